"""The store in a SQLite file: the contracts, and what is SQLite's own."""

from pathlib import Path

import pytest
from tests.contracts.store_suite_apply import ApplyContract
from tests.contracts.store_suite_approvals import ApprovalsContract
from tests.contracts.store_suite_cohorts import CohortsContract
from tests.contracts.store_suite_escalations import EscalationsContract
from tests.contracts.store_suite_evidence import EvidenceContract
from tests.contracts.store_suite_facts import FactsContract
from tests.contracts.store_suite_inhibitions import InhibitionsContract
from tests.contracts.store_suite_leases import LeasesContract
from tests.contracts.store_suite_misdirected import MisdirectedContract
from tests.contracts.store_suite_models import ModelsContract, ProposedContract
from tests.contracts.store_suite_narrowing import NarrowingContract
from tests.contracts.store_suite_outbox import OutboxContract
from tests.contracts.store_suite_pages import PagesContract
from tests.contracts.store_suite_people import AccessContract, HostsContract
from tests.contracts.store_suite_races import RacesContract
from tests.contracts.store_suite_reach import ReachContract
from tests.contracts.store_suite_responders import RespondersContract
from tests.contracts.store_suite_response import (
    ActionsContract,
    CommandsContract,
    IncidentsContract,
)
from tests.contracts.store_suite_returning import ReturningContract
from tests.contracts.store_suite_sayings import SayingsContract
from tests.contracts.store_suite_shown import ShownContract
from tests.contracts.store_suite_silence import SilenceContract
from tests.contracts.store_suite_silences import SilencesContract
from tests.contracts.store_suite_standing import StandingContract
from tests.contracts.store_suite_storms import StormsContract
from tests.contracts.store_suite_tenancy import TenancyContract
from tests.contracts.store_suite_triage import TriageContract
from tests.contracts.store_suite_unreadable import UnreadableContract
from tests.contracts.store_suite_waits import GrantsContract, WaitsContract


class OnSqlite:
    """Gives the contracts their database."""

    @pytest.fixture
    def url(self, sqlite_url: str) -> str:
        return sqlite_url

    @pytest.fixture
    def empty_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"


class TestApply(OnSqlite, ApplyContract):
    """Apply, here."""


class TestUnreadable(OnSqlite, UnreadableContract):
    """What could not be read, here."""


class TestStanding(OnSqlite, StandingContract):
    """Standings, here."""


class TestEvidence(OnSqlite, EvidenceContract):
    """Sealed evidence, here."""


class TestFacts(OnSqlite, FactsContract):
    """Facts, here."""


class TestCohorts(OnSqlite, CohortsContract):
    """Cohorts, here."""


class TestSayings(OnSqlite, SayingsContract):
    """Sayings, here."""


class TestHosts(OnSqlite, HostsContract):
    """Hosts, here."""


class TestSilence(OnSqlite, SilenceContract):
    """Silence, here."""


class TestAccess(OnSqlite, AccessContract):
    """Enrolment, tokens, sessions and policies, here."""


class TestPages(OnSqlite, PagesContract):
    """Pages, here."""


class TestIncidents(OnSqlite, IncidentsContract):
    """Incidents, here."""


class TestActions(OnSqlite, ActionsContract):
    """Actions, here."""


class TestCommands(OnSqlite, CommandsContract):
    """Commands, here."""


class TestMisdirected(OnSqlite, MisdirectedContract):
    """Commands that were another's, here."""


class TestOutbox(OnSqlite, OutboxContract):
    """Outbox, here."""


class TestRaces(OnSqlite, RacesContract):
    """Races, here."""


class TestResponders(OnSqlite, RespondersContract):
    """Responders, here."""


class TestTenancy(OnSqlite, TenancyContract):
    """Tenancy, here."""


class TestLeases(OnSqlite, LeasesContract):
    """Leases, here."""


class TestModels(OnSqlite, ModelsContract):
    """Models, here."""


class TestProposed(OnSqlite, ProposedContract):
    """What people propose, here."""


class TestApprovals(OnSqlite, ApprovalsContract):
    """Whose approvals count, here."""


class TestReach(OnSqlite, ReachContract):
    """How far actions reach, here."""


class TestStorms(OnSqlite, StormsContract):
    """Storms, here."""


class TestInhibitions(OnSqlite, InhibitionsContract):
    """Inhibitions, here."""


class TestNarrowing(OnSqlite, NarrowingContract):
    """Lists of incidents, here."""


class TestSilences(OnSqlite, SilencesContract):
    """Silences, here."""


class TestReturning(OnSqlite, ReturningContract):
    """What comes back, here."""


class TestTriage(OnSqlite, TriageContract):
    """Triage, here."""


class TestEscalations(OnSqlite, EscalationsContract):
    """Escalations, here."""


class TestShown(OnSqlite, ShownContract):
    """What is shown, here."""


class TestWaits(OnSqlite, WaitsContract):
    """Verdicts that are waited for, here."""


class TestGrants(OnSqlite, GrantsContract):
    """Leave that hosts are given, here."""
