"""Servers and registries come and go in any order: a call goes only where the registry has said last."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule

from service_core import (
    CallEvent,
    CallEventKind,
    ComponentUnavailableException,
    Policy,
    ServiceCommunicationException,
    ServiceManager,
)
from service_core.testing import InMemoryNetwork, ScriptedRegistry
from tests.chaos.ledger import COMPONENT, Ledger, LedgerImpl


class Unwritten:
    """A journal that keeps nothing."""

    def note(self, line: str) -> None:
        """Forget the line."""


class Addresses(RuleBasedStateMachine):
    """Knows which servers run, which are offered, and what the registry could say last."""

    servers: Any = Bundle("servers")

    @initialize(channel=st.sampled_from(["dispatch-json", "dispatch-msgpack"]))
    def begin(self, channel: str) -> None:
        self.channel = channel
        self.network, self.registry = InMemoryNetwork(), ScriptedRegistry()
        self.events: list[CallEvent] = []
        self.running: set[str] = set()
        self.offered: list[str] = []
        self.known: list[str] = []
        self.is_partitioned = False
        self.manager = ServiceManager(
            self.registry,
            self.network.channel_factory,
            policy=Policy(backoff=0.0),
            observers=[self.events.append],
        )
        self.ledger = self.manager.get_service(Ledger)

    @rule(target=servers)
    def register(self) -> str:
        url = self.network.start(LedgerImpl(Unwritten()))  # type: ignore[arg-type]
        self.running.add(url)
        self.offer([*self.offered, url])
        return url

    @rule(server=consumes(servers))
    def deregister(self, server: str) -> None:
        self.offer([url for url in self.offered if url != server])
        self.network.stop(server)
        self.running.discard(server)

    @rule(server=servers)
    def kill(self, server: str) -> None:
        self.network.stop(server)
        self.running.discard(server)

    @rule(server=servers)
    def restart(self, server: str) -> None:
        self.network.start(LedgerImpl(Unwritten()), url=server)  # type: ignore[arg-type]
        self.running.add(server)

    @rule()
    def partition(self) -> None:
        self.registry.fail()
        self.is_partitioned = True

    @rule()
    def heal(self) -> None:
        self.registry.recover()
        self.is_partitioned = False
        self.known = self.offered

    @rule()
    def kill_all(self) -> None:
        for server in self.running.copy():
            self.kill(server)

    @rule(is_async=st.booleans())
    def call(self, is_async: bool) -> None:
        self.events.clear()
        try:
            if is_async:
                asyncio.run(self.ledger.read_async("entry"))
            else:
                self.ledger.read("entry")
        except ComponentUnavailableException:
            assert self.known == []
        except ServiceCommunicationException as error:
            self.check_excuse(error)
        else:
            assert self.events[-1].kind is CallEventKind.ANSWERED
            assert self.events[-1].url in self.running
        assert {event.url for event in self.events} <= set(self.known)

    def check_excuse(self, error: ServiceCommunicationException) -> None:
        """A call may fail only if it was tried three times, or more often than the budget allows; nothing has run."""
        assert not error.may_have_run
        kinds = [event.kind for event in self.events]
        assert kinds.count(CallEventKind.FAILED) == 3 or CallEventKind.BUDGET_EXHAUSTED in kinds

    def offer(self, urls: list[str]) -> None:
        self.offered = urls
        self.registry.offer(COMPONENT, {self.channel: urls})
        if not self.is_partitioned:
            self.known = urls

    def teardown(self) -> None:
        self.manager.close()


TestAddresses = Addresses.TestCase
TestAddresses.settings = settings(
    max_examples=1000 if os.environ.get("CHAOS") == "long" else 50, stateful_step_count=30, deadline=None
)
