"""`python -m vedette`: the command line."""

from vedette.app.cli.main import main

if __name__ == "__main__":
    main()
