"""ARI on a real Asterisk: every operation once, and what becomes of the event socket."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import aiohttp
import pytest
import pytest_asyncio
from lab.asterisk import Asterisk
from lab.plan import Plan
from lab.root import servers

from ccmiddleware.clock import utc_now
from ccmiddleware.config import AriSettings
from ccmiddleware.pbx import ari_model as model
from ccmiddleware.pbx.ari import AriClient, AriRefused, Denied, NotFound, open_session
from ccmiddleware.pbx.ari_events import AriDown, AriEvents, AriItem, AriUp, BackOff

pytestmark = pytest.mark.lab

DEADLINE = 60.0
QUICK = BackOff(first=0.05, longest=0.2, refused=3600)
ODD = "odd/id? x#é%2F.."

DIALPLAN = """
[ccm-ari-test]
exten => _X.,1,Answer()
 same => n,Wait(60)
exten => back,1,Set(GLOBAL(CCM_BACK)=yes)
 same => n,Wait(60)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pbx() -> AsyncIterator[Asterisk]:
    async with Asterisk(servers(print), Plan(agents=(), queues=(), dialplan=DIALPLAN)) as asterisk:
        stored = asterisk.directory / "spool" / "recording"
        stored.mkdir()
        if asterisk.servers.owner is not None:
            os.chown(stored, *asterisk.servers.owner)
        yield asterisk


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as running:
        yield running


def settings(pbx: Asterisk, app: str, *, heartbeat: float = 20, secret: str = "") -> AriSettings:
    return AriSettings(
        url=pbx.ari_url,
        user=pbx.user,
        secret=secret or pbx.ari_secret,
        app=app,
        heartbeat=heartbeat,
    )


class Watch:
    """A running event socket, and all that came through it."""

    def __init__(self, events: AriEvents) -> None:
        self.events = events
        self.seen: list[AriItem] = []

    async def until(self, fits: Callable[[AriItem], bool]) -> AriItem:
        """The first item that fits, of those read already or still to come."""
        at = 0
        while True:
            for item in self.seen[at:]:
                if fits(item):
                    return item
            at = len(self.seen)
            self.seen += await self.events.read()

    async def until_kind(self, kind: type[AriItem], count: int = 1) -> AriItem:
        """The ``count``-th item of a kind."""
        left = count

        def fits(item: AriItem) -> bool:
            nonlocal left
            left -= isinstance(item, kind)
            return left == 0 and isinstance(item, kind)

        return await self.until(fits)


@asynccontextmanager
async def watching(
    ari: AriSettings,
    session: aiohttp.ClientSession,
    hook: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[Watch]:
    events = AriEvents(
        "lab",
        ari,
        session,
        on_connected=hook,
        clock=utc_now,
        random=Random(1),
        back_off=QUICK,
    )
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(events.run())
        watch = Watch(events)
        await watch.until_kind(AriUp)
        yield watch
        running.cancel()


async def test_a_channel_is_made_asked_and_hung_up(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    ari = settings(pbx, "ccm-channel")
    client = AriClient("lab", ari, session)
    async with watching(ari, session) as watch:
        made = await client.originate(
            "Local/100@ccm-ari-test/n",
            channel_id=ODD,
            other_channel_id="ccm-other",
            app_args=["work", "7"],
            caller_name='Eve "x" <900>',
            caller_number="+49 30 1",
            variables={"CCM_X": "a&b=c ü"},
        )
        start = await watch.until_kind(model.StasisStart)
        assert made.id == ODD
        assert isinstance(start, model.StasisStart)
        assert (start.channel.id, start.args) == (ODD, ("work", "7"))
        assert start.channel.caller == model.Party(name="Eve 'x' (900)", number="+49301")
        assert abs((utc_now() - start.at).total_seconds()) < DEADLINE
        assert {ODD, "ccm-other"} <= {channel.id for channel in await client.channels()}

        with pytest.raises(AriRefused, match="already exists") as twice:
            await client.originate("Local/1@ccm-ari-test/n", channel_id=ODD, app_args=[])
        assert twice.value.status == 409

        assert await client.variable(ODD, "CCM_X") == "a&b=c ü"
        await client.set_variable(ODD, "CCM_X", "ä" * 300)
        while await client.variable(ODD, "CCM_X") != "ä" * 300:  # noqa: ASYNC110 - Asterisk 16
            await asyncio.sleep(0.02)
        with pytest.raises(NotFound):
            await client.variable(ODD, "CCM_NOT_SET")
        with pytest.raises(AriRefused):
            await client.set_variable(ODD, "CCM_X", "a\0b")

        await client.answer(ODD)
        assert (await client.channel(ODD)).state == "Up"
        await client.ring(ODD)
        await client.stop_ringing(ODD)
        await client.hold(ODD)
        await client.unhold(ODD)
        await client.start_music(ODD)
        await client.stop_music(ODD)
        # Answer() of the dialplan swallows keys for half a second.
        while (await client.channel("ccm-other")).dialplan.app_name != "Wait":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await client.dtmf(ODD, "5")
        await watch.until(
            lambda item: isinstance(item, model.ChannelDtmfReceived) and item.digit == "5"
        )
        await client.hangup(ODD, "busy")
        gone = await watch.until(
            lambda item: isinstance(item, model.ChannelDestroyed) and item.channel.id == ODD
        )
        assert isinstance(gone, model.ChannelDestroyed)
        assert gone.cause == 17
        with pytest.raises(NotFound):
            await client.hangup(ODD)
        with pytest.raises(AriRefused):
            await client.hangup("ccm-other", "nonsense")
        assert watch.events.state.malformed == 0


async def test_sound_goes_out_and_comes_in(pbx: Asterisk, session: aiohttp.ClientSession) -> None:
    ari = settings(pbx, "ccm-sound")
    client = AriClient("lab", ari, session)
    async with watching(ari, session) as watch:
        await client.originate("Local/100@ccm-ari-test/n", channel_id="talk", app_args=[])
        await watch.until_kind(model.StasisStart)

        await client.play("talk", "sound:beep", "sound:beep", playback_id="ccm-pb")
        played = await watch.until_kind(model.PlaybackFinished)
        assert isinstance(played, model.PlaybackFinished)
        assert (played.playback.id, played.playback.state) == ("ccm-pb", "done")
        await client.play("talk", *["sound:beep"] * 20, playback_id="ccm-stop")
        await client.stop_playback("ccm-stop")
        with pytest.raises(NotFound):
            await client.stop_playback("ccm-never")

        recording = await client.record("talk", "ccm-dir/one", max_seconds=30)
        assert recording.name == "ccm-dir/one"
        await client.stop_recording("ccm-dir/one")
        finished = await watch.until_kind(model.RecordingFinished)
        assert isinstance(finished, model.RecordingFinished)
        assert (finished.recording.name, finished.recording.state) == ("ccm-dir/one", "done")
        assert await client.stored_recording("ccm-dir/one") in await client.stored_recordings()
        await client.delete_stored_recording("ccm-dir/one")
        with pytest.raises(NotFound):
            await client.stored_recording("ccm-dir/one")

        spy = await client.snoop("talk", snoop_id="ccm-spy", app_args=["watch"])
        assert spy.id == "ccm-spy"
        await watch.until(
            lambda item: isinstance(item, model.StasisStart) and item.args == ("watch",)
        )
        await client.hangup("ccm-spy")
        await client.hangup("talk")


async def test_channels_meet_in_a_bridge_and_go_back_to_the_dialplan(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    ari = settings(pbx, "ccm-bridge")
    client = AriClient("lab", ari, session)
    async with watching(ari, session) as watch:
        await client.originate("Local/100@ccm-ari-test/n", channel_id="left", app_args=[])
        await client.create("Local/101@ccm-ari-test/n", channel_id="right", app_args=[])
        await watch.until_kind(model.StasisStart, 2)
        await client.dial("right", ring_seconds=20)

        bridge = await client.create_bridge("br/1", name="one")
        assert (bridge.id, bridge.name, bridge.channels) == ("br/1", "one", ())
        await client.add_to_bridge("br/1", "left", "right")
        await watch.until_kind(model.ChannelEnteredBridge, 2)
        (seen,) = [bridge for bridge in await client.bridges() if bridge.id == "br/1"]
        assert set(seen.channels) == {"left", "right"}
        with pytest.raises(AriRefused):
            await client.add_to_bridge("br/1", "nobody")
        await client.play_to_bridge("br/1", "sound:beep", playback_id="ccm-br-pb")
        await client.remove_from_bridge("br/1", "right")
        left = await watch.until_kind(model.ChannelLeftBridge)
        assert isinstance(left, model.ChannelLeftBridge)
        assert left.channel.id == "right"
        await client.destroy_bridge("br/1")
        with pytest.raises(AriRefused):  # 404, or 409 while it is on its way out
            await client.destroy_bridge("br/1")

        await client.continue_in_dialplan("right", "ccm-ari-test", "back")
        end = await watch.until_kind(model.StasisEnd)
        assert isinstance(end, model.StasisEnd)
        assert end.channel.id == "right"
        with pytest.raises(AriRefused, match="Stasis"):
            await client.answer("right")
        await client.hangup("right")
        await client.hangup("left")


async def test_device_states_and_what_is_sent_are_ours_to_choose(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    ari = settings(pbx, "ccm-device")
    client = AriClient("lab", ari, session)

    async def hook() -> None:
        await client.receive_only(["DeviceStateChanged"])
        application = await client.subscribe("deviceState:Stasis:ccm-1001")
        assert application.device_names == ("Stasis:ccm-1001",)

    async with watching(ari, session, hook) as watch:
        await client.originate("Local/100@ccm-ari-test/n", channel_id="quiet", app_args=[])
        await client.hangup("quiet")
        await client.set_device_state("Stasis:ccm-1001", "INUSE")
        changed = await watch.until_kind(model.DeviceStateChanged)
        assert isinstance(changed, model.DeviceStateChanged)
        assert changed.device_state == model.DeviceState(name="Stasis:ccm-1001", state="INUSE")
        assert await client.device_state("Stasis:ccm-1001") == changed.device_state
        await client.delete_device_state("Stasis:ccm-1001")
        with pytest.raises(AriRefused) as foreign:
            await client.set_device_state("PJSIP/1001", "INUSE")
        assert foreign.value.status == 409
        assert not [item for item in watch.seen if isinstance(item, model.ChannelAriEvent)]


async def test_who_it_is_and_who_may_ask(pbx: Asterisk, session: aiohttp.ClientSession) -> None:
    client = AriClient("lab", settings(pbx, "ccm-who"), session)

    assert (await client.info()).system.version.startswith((await pbx.version())[:2])
    assert (await client.ping()).ping == "pong"
    assert {endpoint.technology for endpoint in await client.endpoints()} == {"PJSIP"}
    with pytest.raises(NotFound):  # no socket is open, so there is no such application
        await client.subscribe("deviceState:")
    with pytest.raises(Denied):
        await AriClient("lab", settings(pbx, "x", secret="wrong"), session).ping()


async def test_the_newer_socket_wins_and_the_older_gives_way(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    ari = settings(pbx, "ccm-twice")
    async with watching(ari, session) as older, watching(ari, session) as newer:
        down = await older.until_kind(AriDown)

        assert isinstance(down, AriDown)
        assert "took over" in down.reason
        assert newer.events.state.up


async def test_a_killed_asterisk_is_found_again_and_the_hook_runs_again(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    ari = settings(pbx, "ccm-kill")
    client = AriClient("lab", ari, session)
    versions: list[str] = []

    async def hook() -> None:
        versions.append((await client.info()).system.version)

    async with watching(ari, session, hook) as watch:
        await pbx.kill()
        await watch.until_kind(AriDown)
        await pbx.start()
        await watch.until_kind(AriUp, 2)

    assert len(versions) == 2


async def test_a_frozen_asterisk_is_noticed_and_found_again(
    pbx: Asterisk, session: aiohttp.ClientSession
) -> None:
    async with watching(settings(pbx, "ccm-freeze", heartbeat=1), session) as watch:
        await pbx.freeze()
        try:
            down = await watch.until_kind(AriDown)
        finally:
            pbx.thaw()
        await watch.until_kind(AriUp, 2)

    assert isinstance(down, AriDown)
    assert "ping" in down.reason
