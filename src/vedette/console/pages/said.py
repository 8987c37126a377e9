"""The one line that tells people what their form did, named in the address after the redirect."""

from litestar.response import Redirect

from vedette.console.pages.render import PageRequest

__all__ = ["back_to", "said"]

# Only these words can be shown: the address is anybody's to write.
_SAID = {
    "acknowledged": "Acknowledged. Others see that you look into it.",
    "closed": "Closed. The detector hears of it with the host's next snapshot.",
    "assigned": "Assigned.",
    "reopened": "Open again. What was silenced for it is told again.",
    "merged": "Merged. This is the incident that goes on.",
    "split": "Split. This is the new incident.",
    "commented": "Added to the timeline.",
    "proposed": "Proposed. Somebody else must approve it.",
    "approved": "Approved. The steps follow as the host answers.",
    "counted": "Your approval counts. It goes on when enough people have approved it.",
    "refused": "Refused. The action is not carried out.",
    "cancelled": "Cancelled.",
    "recalled": "Asked for. The host is told, and the steps say what it answers.",
    "silenced": "Silenced. What it holds is told when it ends, if it is still so.",
    "unsilenced": "Ended. What it held is told now, if it is still so.",
    "false": "Closed as a false positive. Its causes are silenced here; see Silences.",
    "applied": "In force. All processes follow within seconds.",
    "thrown": "Thrown. Nothing disruptive begins until an admin lifts it.",
    "lifted": "Lifted. Policies may act again.",
    "reset": "Reset. Hosts are counted anew.",
    "replayed": "Back on its way. What can be read now gets a late verdict; what can't returns here.",
    "purged": "Purged. The unknown verdicts stay.",
    "nothing": "Nothing fitted any more, so nothing was changed.",
}


def said(request: PageRequest) -> str:
    """The line, or nothing."""
    return _SAID.get(str(request.query_params.get("done", "")), "")


def back_to(path: str, done: str) -> Redirect:
    """To the page that shows what was done (303 See Other)."""
    return Redirect(f"{path}?done={done}", status_code=303)
