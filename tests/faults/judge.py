"""What must hold after every trial, whatever was done to the processes."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import dict_row

from chat.protocol.parts import decode_parts, plain_text, written_text
from tests.faults.cluster import Cluster
from tests.faults.strikes import COMPLETED, may_end

if TYPE_CHECKING:
    from tests.faults.tabs import Tab
    from tests.faults.trial import Sent, Talk

_FINAL = {"completed", "stopped", "failed"}


@dataclass
class Rows:
    """What Postgres has of the trial's conversations."""

    conversations: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    messages: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    turns: dict[UUID, dict[str, Any]] = field(default_factory=dict)


def read(cluster: Cluster, conversations: Sequence[UUID]) -> Rows:
    """Raises psycopg.Error."""
    ids = list(conversations)
    with cluster.database() as database, database.cursor(row_factory=dict_row) as cursor:
        found = []
        for table, column in (
            ("chat_conversation", "id"),
            ("chat_message", "conversation_id"),
            ("chat_turn", "conversation_id"),
        ):
            cursor.execute(f"SELECT * FROM {table} WHERE {column} = ANY(%s)".encode(), [ids])
            found.append({row["id"]: row for row in cursor.fetchall()})
    return Rows(*found)


def is_settled(talks: Sequence["Talk"], rows: Rows) -> bool:
    for talk in talks:
        conversation = rows.conversations.get(talk.id)
        turns = [rows.turns.get(sent.start.turn_id) for sent in talk.sent if sent.accepted]
        if conversation is None or any(turn is None or turn["state"] not in _FINAL for turn in turns):
            return False
        if any(tab.replica.version != conversation["version"] for tab in talk.tabs):
            return False
        if any(_tab_differs(tab, talk, rows) for tab in talk.tabs):
            return False
    return True


def ends(talks: Sequence["Talk"], rows: Rows) -> Counter[str]:
    """How many turns ended in which way: `completed`, an error's code, `open`, `lost`, `not sent`."""
    return Counter(_end(sent, rows) for talk in talks for sent in talk.sent)


def _end(sent: "Sent", rows: Rows) -> str:
    turn = rows.turns.get(sent.start.turn_id)
    if turn is None:
        return "lost" if sent.accepted else "not sent"
    state: str = turn["state"]
    if state not in _FINAL:
        return "open"
    return turn["error_code"] or state


def violations(talks: Sequence["Talk"], rows: Rows, *, ended: bool, fault: str) -> list[str]:
    found: list[str] = []
    for talk in talks:
        found += _of_talk(talk, rows)
        for sent in talk.sent:
            found += _of_turn(sent, talk, rows, fault=fault)
        for tab in talk.tabs:
            found += tab.wrong
            found += _tab_differs(tab, talk, rows)
    if not ended and not found:
        found.append("the tabs did not come to agree with the database in time")
    return found


def _of_talk(talk: "Talk", rows: Rows) -> list[str]:
    """Each message once, in one line, in the order it was sent; one turn for each."""
    if talk.id not in rows.conversations:
        return [] if not any(sent.accepted for sent in talk.sent) else [f"conversation {talk.id} is lost"]
    mine = [row for row in rows.messages.values() if row["conversation_id"] == talk.id]
    turns = [row for row in rows.turns.values() if row["conversation_id"] == talk.id]
    found = []
    asked = sorted(plain_text(decode_parts(row["parts"])) for row in mine if row["role"] == "user")
    accepted = [sent.known.question for sent in talk.sent if sent.accepted]
    if asked != sorted(sent.known.question for sent in talk.sent if sent.accepted or _stored(sent, rows)):
        found.append(f"stored messages {asked}, acknowledged {accepted}")
    if len(turns) != len(asked) or len(mine) != 2 * len(asked):
        found.append(f"{len(asked)} messages have {len(turns)} turns and {len(mine)} nodes")
    parents = Counter(row["parent_id"] for row in mine)
    if any(count > 1 for count in parents.values()):
        found.append("one leaf was answered twice")
    return found


def _stored(sent: "Sent", rows: Rows) -> bool:
    return sent.start.message_id in rows.messages


def _of_turn(sent: "Sent", talk: "Talk", rows: Rows, *, fault: str) -> list[str]:
    turn, end = rows.turns.get(sent.start.turn_id), _end(sent, rows)
    tag = sent.known.tag
    if turn is None:
        return [f"{tag}: {end}"] if sent.accepted else [f"{tag}: not acknowledged in time"]
    answer = rows.messages[turn["answer_id"]]
    parts = decode_parts(answer["parts"])
    text = written_text(parts)
    found = []
    if end == "open":
        found.append(f"{tag}: still {turn['state']}, attempt {turn['attempt']}")
    elif not may_end(fault, end):
        found.append(f"{tag}: ended {end}")
    if end == COMPLETED and plain_text(parts) != sent.known.text:
        found.append(f"{tag}: completed with {len(text)} of {len(sent.known.text)} characters")
    if end != "open" and answer["text_sha256"] != hashlib.sha256(text.encode()).hexdigest():
        found.append(f"{tag}: the stored hash is of another text")
    for tab in talk.tabs:
        longest = tab.shown[sent.start.turn_id].text
        if end != "open" and not text.startswith(longest):
            found.append(f"{tag}: {tab.name} showed {len(longest)} characters, {len(text)} are stored")
    return found


def _tab_differs(tab: "Tab", talk: "Talk", rows: Rows) -> list[str]:
    found = []
    for sent in talk.sent:
        turn = rows.turns.get(sent.start.turn_id)
        if turn is None or turn["state"] not in _FINAL:
            continue
        stored, shown = rows.messages[turn["answer_id"]], tab.replica.messages.get(turn["answer_id"])
        if shown is None:
            found.append(f"{sent.known.tag}: {tab.name} does not have the answer")
        elif written_text(shown.parts) != written_text(decode_parts(stored["parts"])):
            found.append(f"{sent.known.tag}: {tab.name} shows another text than is stored")
        elif shown.text_sha256 != stored["text_sha256"]:
            found.append(f"{sent.known.tag}: {tab.name} does not know that the answer is final")
    return found
