"""When customers talk to the operator: interactions (TMF683) and trouble tickets (TMF621)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

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


@dataclass
class Contacts:
    """What is delivered each day; within a day ordered by time, then id."""

    interactions: dict[date, list[Record]]
    tickets: dict[date, list[Record]]


def talk(settings: OperatorSettings, population: Population) -> Contacts:
    """All interactions, and the tickets with every change of state."""
    desk = _Desk(settings)
    for customer in population.customers:
        desk.hear(customer)
    return desk.deliver()


class _Desk:
    def __init__(self, settings: OperatorSettings) -> None:
        self.settings = settings
        self.dice: random.Random = settings.dice("contacts")
        self.interactions: list[tuple[datetime, Record]] = []
        self.tickets: list[tuple[datetime, Record]] = []
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

    def _interact(self, customer: Customer, moment: datetime, reason: str) -> datetime:
        dice = self.dice
        # Customer service answers in the daytime.
        moment = moment.replace(hour=dice.choices(range(6, 18), (4, 7, 9, 9, 8, 7, 7, 8, 8, 6, 5, 3))[0])
        if moment < max(self.settings.opening, customer.since):
            moment = max(self.settings.opening, customer.since) + timedelta(minutes=3)
        if customer.leaves_at and moment >= customer.leaves_at:
            moment = customer.leaves_at - timedelta(minutes=dice.randrange(30, 300))
        outbound = reason == "campaign_call"
        channel = dice.choices(("phone", "chat", "email", "store"), (50, 28, 12, 10))[0]
        ended = moment + timedelta(seconds=dice.randrange(90, 1_500))
        record: Record = {
            "id": "",
            "direction": "outbound" if outbound else "inbound",
            "reason": reason,
            "status": "completed" if dice.random() < 0.93 else "open",
            "description": REASONS[reason],
            "channel": [{"name": "phone" if outbound else channel}],
            "relatedParty": [{"id": customer.id, "role": "customer"}],
            "interactionDate": {"startDateTime": stamp(moment), "endDateTime": stamp(ended)},
        }
        if channel == "email" and not outbound:
            del record["interactionDate"]["endDateTime"]
        if moment >= self.settings.morning(2):
            return moment
        self.interactions.append((moment, record))
        if reason == "technical_problem" or (reason == "billing_question" and dice.random() < 0.2):
            self._report(customer, ended)
        return ended

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
        self.interactions.sort(key=lambda entry: (entry[0], entry[1]["relatedParty"][0]["id"]))
        for number, (moment, record) in enumerate(self.interactions, 1):
            record["id"] = f"IN{800_000 + number}"
            interactions[moment.date()].append(record)
        tickets: dict[date, dict[str, Record]] = {day: {} for day in self.settings.all_days}
        for moment, record in sorted(self.tickets, key=lambda entry: (entry[0], entry[1]["id"])):
            day = tickets[moment.date()]
            day.pop(record["id"], None)
            day[record["id"]] = record
        return Contacts(interactions, {day: list(sent.values()) for day, sent in tickets.items()})
