"""`vedette agent doctor`: looks at all that an agent needs, and says what is wrong and what to do. Changes nothing."""
