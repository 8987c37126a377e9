"""The store on a real PostgreSQL: the contracts, and what is PostgreSQL's own."""

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

pytestmark = pytest.mark.postgres


class OnPostgresql:
    """Gives the contracts their database."""

    @pytest.fixture
    def url(self, emptied_postgres_url: str) -> str:
        return emptied_postgres_url

    @pytest.fixture
    def empty_url(self, postgres_url: str) -> str:
        return postgres_url


class TestApply(OnPostgresql, ApplyContract):
    """Apply, here."""


class TestUnreadable(OnPostgresql, UnreadableContract):
    """What could not be read, here."""


class TestStanding(OnPostgresql, StandingContract):
    """Standings, here."""


class TestEvidence(OnPostgresql, EvidenceContract):
    """Sealed evidence, here."""


class TestFacts(OnPostgresql, FactsContract):
    """Facts, here."""


class TestCohorts(OnPostgresql, CohortsContract):
    """Cohorts, here."""


class TestSayings(OnPostgresql, SayingsContract):
    """Sayings, here."""


class TestHosts(OnPostgresql, HostsContract):
    """Hosts, here."""


class TestSilence(OnPostgresql, SilenceContract):
    """Silence, here."""


class TestAccess(OnPostgresql, AccessContract):
    """Enrolment, tokens, sessions and policies, here."""


class TestPages(OnPostgresql, PagesContract):
    """Pages, here."""


class TestIncidents(OnPostgresql, IncidentsContract):
    """Incidents, here."""


class TestActions(OnPostgresql, ActionsContract):
    """Actions, here."""


class TestCommands(OnPostgresql, CommandsContract):
    """Commands, here."""


class TestMisdirected(OnPostgresql, MisdirectedContract):
    """Commands that were another's, here."""


class TestOutbox(OnPostgresql, OutboxContract):
    """Outbox, here."""


class TestRaces(OnPostgresql, RacesContract):
    """Races, here."""


class TestResponders(OnPostgresql, RespondersContract):
    """Responders, here."""


class TestTenancy(OnPostgresql, TenancyContract):
    """Tenancy, here."""


class TestLeases(OnPostgresql, LeasesContract):
    """Leases, here."""


class TestModels(OnPostgresql, ModelsContract):
    """Models, here."""


class TestProposed(OnPostgresql, ProposedContract):
    """What people propose, here."""


class TestApprovals(OnPostgresql, ApprovalsContract):
    """Whose approvals count, here."""


class TestReach(OnPostgresql, ReachContract):
    """How far actions reach, here."""


class TestStorms(OnPostgresql, StormsContract):
    """Storms, here."""


class TestInhibitions(OnPostgresql, InhibitionsContract):
    """Inhibitions, here."""


class TestNarrowing(OnPostgresql, NarrowingContract):
    """Lists of incidents, here."""


class TestSilences(OnPostgresql, SilencesContract):
    """Silences, here."""


class TestReturning(OnPostgresql, ReturningContract):
    """What comes back, here."""


class TestTriage(OnPostgresql, TriageContract):
    """Triage, here."""


class TestEscalations(OnPostgresql, EscalationsContract):
    """Escalations, here."""


class TestShown(OnPostgresql, ShownContract):
    """What is shown, here."""


class TestWaits(OnPostgresql, WaitsContract):
    """Verdicts that are waited for, here."""


class TestGrants(OnPostgresql, GrantsContract):
    """Leave that hosts are given, here."""
