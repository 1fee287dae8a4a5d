"""When customers talk to the operator: interactions (TMF683), trouble tickets (TMF621), surveys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo.operator.orders import as_typed, contact_json
from demo.operator.population import between
from demo.operator.settings import stamp

if TYPE_CHECKING:
    import random
    from datetime import date

    from demo.operator.population import Customer, Population
    from demo.operator.settings import OperatorSettings

Record = dict[str, Any]

REASONS = {
    "billing_question": "Asiakas kysyi laskun erittelystä",
    "technical_problem": "Yhteys pätkii, ohjattu vikailmoitukseen",
    "order_status": "Tilauksen toimitusaika",
    "product_advice": "Neuvottu sopivan liittymän valinnassa",
    "complaint": "Asiakas on tyytymätön palveluun",
    "campaign_call": "Tarjottu syksyn etua, päättää myöhemmin",
}
PROBLEMS = (
    ("Netti ei toimi", "broadband_fault", "major"),
    ("Puhelut katkeilevat", "mobile_fault", "minor"),
    ("Hidas yhteys iltaisin", "speed_complaint", "minor"),
    ("Lasku on väärin", "billing_dispute", "minor"),
    ("Koko talon yhteys poikki", "outage", "critical"),
)
# How likely people are to recommend the operator, by what they came for: 0 to 10.
SCORES = {
    "order_status": (1, 0, 1, 1, 2, 3, 5, 9, 14, 16, 14),
    "product_advice": (0, 0, 1, 1, 1, 2, 4, 8, 14, 18, 20),
    "billing_question": (3, 2, 3, 4, 5, 8, 8, 10, 9, 6, 4),
    "technical_problem": (4, 3, 4, 5, 6, 8, 8, 9, 8, 5, 4),
    "complaint": (18, 8, 8, 7, 6, 5, 4, 3, 2, 1, 1),
    "relationship": (2, 1, 2, 2, 3, 6, 7, 11, 15, 13, 11),
}
COMMENTS = (
    ("Odotin puhelimessa liian kauan", "Kukaan ei osannut auttaa", "Vaihdan operaattoria", "Lasku oli taas väärin"),
    ("Ihan ok", "Asia hoitui lopulta", "Hinta on noussut"),
    ("Ystävällinen palvelu, kiitos!", "Toimii hyvin", "Nopea vastaus", "Snabb och vänlig hjälp"),
)


@dataclass
class Contacts:
    """What is delivered each day; within a day ordered by time, then id.

    `unnamed` has the interactions of each person that do not say whose they are.
    """

    interactions: dict[date, list[Record]]
    tickets: dict[date, list[Record]]
    surveys: dict[date, list[Record]]
    unnamed: dict[str, list[str]]


def talk(settings: OperatorSettings, population: Population) -> Contacts:
    """All interactions, the tickets with every change of state, and the answers to surveys."""
    desk = _Desk(settings, population)
    for customer in population.customers:
        desk.hear(customer)
    desk.hear_strangers()
    desk.hear_newcomers(population)
    return desk.deliver()


class _Desk:
    def __init__(self, settings: OperatorSettings, population: Population) -> None:
        self.settings = settings
        self.dice: random.Random = settings.dice("contacts")
        self.reach = population.reached_by()
        self.interactions: list[tuple[datetime, Customer | None, Record]] = []
        self.tickets: list[tuple[datetime, Record]] = []
        self.surveys: list[tuple[datetime, Record, Record | None]] = []
        self.ticket_number = 0

    def hear(self, customer: Customer) -> None:
        """One customer's contacts within the delivered days."""
        settings, dice = self.settings, self.dice
        start = max(settings.opening, customer.since)
        end = min(settings.morning(2), customer.leaves_at or settings.morning(2))
        if start + timedelta(hours=1) >= end:
            return
        often = 0.5 if customer.role != "prospective" else 0.2
        count = sum(dice.random() < often for _ in range(1 + (end - start).days // 30))
        for _ in range(count):
            reason = dice.choice([reason for reason in REASONS if reason != "complaint"])
            self._interact(customer, between(dice, start, end), reason)
        if customer.role == "leaving":
            # Before they leave they complain, and seldom only once.
            angry = max(start, end - timedelta(days=25))
            for _ in range(dice.choice((1, 2, 2, 3))):
                moment = self._interact(customer, between(dice, angry, end), "complaint")
            self._report(customer, moment)
        if dice.random() < 0.3:
            self._ask(customer, between(dice, start, end), None)

    def hear_strangers(self) -> None:
        """People who ask for advice and whom nobody knows."""
        dice, settings = self.dice, self.settings
        for number in range(max(1, settings.customers // 100)):
            moment = between(dice, settings.opening, settings.morning(2))
            way = "phone" if number % 2 else "email"
            value = f"+35846{dice.randrange(10**6, 10**7)}" if number % 2 else f"kysyja{number}@example.net"
            self._note(None, moment, "product_advice", way, {way: value})

    def hear_newcomers(self, population: Population) -> None:
        """Who has been given a number that was somebody else's calls from it, before anybody knows her voice."""
        given_up = {way.value for ways in self.reach.values() for way in ways if way.kind == "phone" and way.valid_to}
        for customer in population.customers:
            begins = customer.since + timedelta(hours=1)
            if customer.role != "joining" or customer.person.phone not in given_up:
                continue
            if begins < self.settings.morning(2):
                moment = between(self.dice, begins, self.settings.morning(2))
                self._note(customer, moment, "order_status", "phone", {"phone": customer.person.phone})

    def _interact(self, customer: Customer, moment: datetime, reason: str) -> datetime:
        dice = self.dice
        # Customer service answers in the daytime.
        moment = moment.replace(hour=dice.choices(range(6, 18), (4, 7, 9, 9, 8, 7, 7, 8, 8, 6, 5, 3))[0])
        if moment < max(self.settings.opening, customer.since):
            moment = max(self.settings.opening, customer.since) + timedelta(minutes=3)
        if customer.leaves_at and moment >= customer.leaves_at:
            moment = customer.leaves_at - timedelta(minutes=dice.randrange(30, 300))
        if moment >= self.settings.morning(2):
            return moment
        channel = dice.choices(("phone", "chat", "email", "store"), (50, 28, 12, 10))[0]
        channel = "phone" if reason == "campaign_call" else channel
        ended = self._note(customer, moment, reason, channel, self._unnamed(customer, moment, reason, channel))
        if reason == "technical_problem" or (reason == "billing_question" and dice.random() < 0.2):
            self._report(customer, ended)
        return ended

    def _unnamed(self, customer: Customer, moment: datetime, reason: str, channel: str) -> dict[str, str]:
        """Where somebody wrote or called from whom nobody looked up; nothing for those who were."""
        likely = {"email": 0.4, "phone": 0.08}.get(channel, 0.0)
        if reason in ("campaign_call", "complaint") or self.dice.random() >= likely:
            return {}
        ways = self.reach.get(customer.person.id, [])
        found = [way.value for way in ways if way.kind == channel and way.holds(stamp(moment))]
        return {channel: as_typed(self.dice.choice(found), self.dice)} if found else {}

    def _note(
        self, customer: Customer | None, moment: datetime, reason: str, channel: str, unnamed: dict[str, str]
    ) -> datetime:
        """Write an interaction down, and perhaps ask how it was; gives when it ended."""
        dice = self.dice
        ended = moment + timedelta(seconds=dice.randrange(90, 1_500))
        record: Record = {
            "id": "",
            "direction": "outbound" if reason == "campaign_call" else "inbound",
            "reason": reason,
            "status": "completed" if dice.random() < 0.93 else "open",
            "description": REASONS[reason],
            "channel": [{"name": channel}],
            "interactionDate": {"startDateTime": stamp(moment), "endDateTime": stamp(ended)},
        }
        if unnamed:
            record["relatedContactInformation"] = contact_json(unnamed)
        elif customer:
            record["relatedParty"] = [{"id": customer.id, "role": "customer"}]
        if channel == "email":
            del record["interactionDate"]["endDateTime"]
        self.interactions.append((moment, customer, record))
        if customer and not unnamed and reason in SCORES and record["status"] == "completed" and dice.random() < 0.3:
            self._ask(customer, ended + timedelta(minutes=dice.randrange(30, 2_000)), record)
        return ended

    def _ask(self, customer: Customer, moment: datetime, interaction: Record | None) -> None:
        """The answer to a survey; who is about to leave thinks little of the operator."""
        dice = self.dice
        if moment >= self.settings.morning(2):
            return
        about = interaction["reason"] if interaction else "relationship"
        score = dice.choices(range(11), SCORES["complaint" if customer.role == "leaving" else about])[0]
        record: Record = {
            "id": "",
            "survey": "nps_support" if interaction else "nps_relationship",
            "score": score,
            "channel": {"name": dice.choice(("email", "sms", "web", "app"))},
            "responseDate": stamp(moment),
            "relatedParty": [{"id": customer.id, "role": "customer"}],
        }
        if dice.random() < 0.3:
            record["comment"] = dice.choice(COMMENTS[(score > 6) + (score > 8)])
        self.surveys.append((moment, record, interaction))

    def _report(self, customer: Customer, moment: datetime) -> None:
        """A ticket, sent again whenever it moves."""
        dice = self.dice
        name, kind, severity = dice.choice(PROBLEMS)
        self.ticket_number += 1
        moves = [(moment, "acknowledged")]
        for status, hours in (("inProgress", (1, 30)), ("resolved", (4, 120)), ("closed", (20, 72))):
            later = moves[-1][0] + timedelta(seconds=dice.randrange(hours[0] * 3_600, hours[1] * 3_600))
            moves.append((later, status))
        resolved = moves[2][0]
        channel = dice.choice(("phone", "chat", "app"))
        for changed, status in moves:
            if changed >= self.settings.morning(2):
                break
            record: Record = {
                "id": f"TT{600_000 + self.ticket_number}",
                "name": name,
                "ticketType": kind,
                "severity": severity,
                "status": status,
                "channel": {"name": channel},
                "creationDate": stamp(moment),
                "lastUpdate": stamp(changed),
                "relatedParty": [{"id": customer.id, "role": "customer"}],
            }
            if status in ("resolved", "closed"):
                record["resolutionDate"] = stamp(resolved)
            self.tickets.append((changed, record))

    def deliver(self) -> Contacts:
        """Sort into days; of a ticket that moves twice in a day only the last state is sent."""
        interactions: dict[date, list[Record]] = {day: [] for day in self.settings.all_days}
        unnamed: dict[str, list[str]] = {}
        self.interactions.sort(key=lambda entry: (entry[0], entry[1].index if entry[1] else -1))
        for number, (moment, customer, record) in enumerate(self.interactions, 1):
            record["id"] = f"IN{800_000 + number}"
            interactions[moment.date()].append(record)
            if customer and "relatedParty" not in record:
                unnamed.setdefault(customer.person.id, []).append(record["id"])
        surveys: dict[date, list[Record]] = {day: [] for day in self.settings.all_days}
        self.surveys.sort(key=lambda entry: (entry[0], entry[1]["relatedParty"][0]["id"]))
        for number, (moment, record, interaction) in enumerate(self.surveys, 1):
            record["id"] = f"SV{900_000 + number}"
            if interaction:
                record["relatedPartyInteraction"] = {"id": interaction["id"]}
            surveys[moment.date()].append(record)
        tickets: dict[date, dict[str, Record]] = {day: {} for day in self.settings.all_days}
        for moment, record in sorted(self.tickets, key=lambda entry: (entry[0], entry[1]["id"])):
            day = tickets[moment.date()]
            day.pop(record["id"], None)
            day[record["id"]] = record
        moved = {day: list(sent.values()) for day, sent in tickets.items()}
        return Contacts(interactions, moved, surveys, unnamed)
