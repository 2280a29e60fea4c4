"""The configuration files of one PBX, from its plan. Pure: a name and a text for each file.

manager.conf and ari.conf include the files that ship to operators (asterisk/ in the source tree),
so that every lab test proves those.
"""

from dataclasses import dataclass

from lab.plan import Agent, Plan, Queue

SIP_PORT = 15060
AMI_PORT = 15038
HTTP_PORT = 15088
PHONE_PORT = 5060
USER = "ccm"
OPERATOR = "operator"
"""Manager user of the PBX's own tools: those who transfer, park, pause or hang up behind us."""

SKIPPED_MODULES = (
    "app_adsiprog", "app_alarmreceiver", "app_festival", "app_followme", "app_getcpeid",
    "app_jack", "app_minivm", "app_voicemail", "app_voicemail_odbc", "cdr_adaptive_odbc", "cdr_csv",
    "cdr_custom", "cdr_manager", "cdr_odbc", "cdr_pgsql", "cdr_radius", "cdr_sqlite3_custom",
    "cdr_tds", "cel_custom", "cel_manager", "cel_odbc", "cel_pgsql", "cel_radius",
    "cel_sqlite3_custom", "cel_tds", "chan_console", "chan_iax2", "chan_mobile", "chan_motif",
    "chan_sip", "chan_unistim", "func_odbc", "pbx_ael", "pbx_dundi", "pbx_lua", "res_adsi",
    "res_aeap", "res_ael_share", "res_calendar", "res_calendar_caldav", "res_calendar_ews",
    "res_calendar_exchange", "res_calendar_icalendar", "res_config_curl", "res_config_ldap",
    "res_config_odbc", "res_config_pgsql", "res_config_sqlite3", "res_fax", "res_fax_spandsp",
    "res_geolocation", "res_hep", "res_hep_pjsip", "res_hep_rtcp", "res_odbc",
    "res_odbc_transaction", "res_phoneprov", "res_pjsip_geolocation", "res_pjsip_notify",
    "res_pjsip_phoneprov_provider", "res_pjsip_stir_shaken", "res_prometheus", "res_smdi",
    "res_snmp", "res_speech_aeap", "res_statsd", "res_stir_shaken", "res_stun_monitor",
    "res_timing_pthread", "res_xmpp",
)  # fmt: skip
"""Modules of no use to a contact center, which would only slow the start and fill the log."""


@dataclass(frozen=True)
class Place:
    """Where an instance is: its address and its directory as Asterisk sees it."""

    ip: str
    base: str
    shipped: str
    outside_ip: str
    phone_ips: dict[str, str]
    trunk_net: str
    ami_secret: str
    ari_secret: str


def files(plan: Plan, place: Place) -> dict[str, str]:
    """Name and text of every configuration file."""
    made = {
        "asterisk.conf": _asterisk(place),
        "modules.conf": _modules(),
        "logger.conf": _LOGGER,
        "manager.conf": _manager(plan, place),
        "http.conf": _http(place),
        "ari.conf": _ari(place),
        "rtp.conf": "[general]\nrtpstart = 20000\nrtpend = 29999\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {place.base}/music\n",
        "pjsip.conf": _pjsip(plan, place),
        "queues.conf": _queues(plan),
        "extensions.conf": _extensions(plan),
        **dict.fromkeys(_EMPTY, ""),
    }
    return made | plan.files


_EMPTY = (
    "acl.conf", "agents.conf", "amd.conf", "ccss.conf", "cdr.conf", "cel.conf", "cli.conf",
    "codecs.conf", "confbridge.conf", "dnsmgr.conf", "dsp.conf", "enum.conf", "features.conf",
    "indications.conf", "pjproject.conf", "queuerules.conf", "res_parking.conf", "sorcery.conf",
    "stasis.conf", "udptl.conf", "cli_aliases.conf", "pjsip_wizard.conf",
    "res_http_media_cache.conf", "websocket_client.conf", "chan_websocket.conf",
)  # fmt: skip
"""Files that a module reads and that may be empty; absent, they fill the log."""

_LOGGER = """\
[general]
dateformat = %F %T.%3q
queue_log = yes
queue_log_to_file = yes

[logfiles]
messages = notice,warning,error
"""


def _asterisk(place: Place) -> str:
    at = place.base
    return f"""\
[directories]
astcachedir => {at}/cache
astetcdir => {at}/etc
astvarlibdir => {at}/lib
astdbdir => {at}/lib
astkeydir => {at}/lib
astdatadir => /usr/share/asterisk
astagidir => {at}/agi
astspooldir => {at}/spool
astrundir => {at}/run
astlogdir => {at}/log

[options]
documentation_language = en_US
nocolor = yes
"""


def _modules() -> str:
    skipped = "".join(f"noload => {module}.so\n" for module in SKIPPED_MODULES)
    return f"[modules]\nautoload = yes\n{skipped}"


def _manager(plan: Plan, place: Place) -> str:
    more = "".join(f'#include "{place.shipped}/manager/{name}"\n' for name in plan.manager)
    return f"""\
[general]
enabled = yes
webenabled = no
bindaddr = {place.ip}
port = {AMI_PORT}
timestampevents = yes

#include "{place.shipped}/manager/ccm.conf"
{more}
[{USER}](+)
secret = {place.ami_secret}

[{OPERATOR}]
secret = {place.ami_secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.0/255.0.0.0
read = none
write = system,call,agent,originate
"""


def _http(place: Place) -> str:
    return f"[general]\nenabled = yes\nbindaddr = {place.ip}\nbindport = {HTTP_PORT}\n"


def _ari(place: Place) -> str:
    return f"""\
[general]
enabled = yes

#include "{place.shipped}/ari/ccm.conf"

[{USER}](+)
password = {place.ari_secret}
"""


def _pjsip(plan: Plan, place: Place) -> str:
    phones = "".join(_phone(agent, place.phone_ips[agent.extension]) for agent in plan.agents)
    return f"""\
[global]
type = global
endpoint_identifier_order = ip,username

[loopback]
type = transport
protocol = udp
bind = {place.ip}:{SIP_PORT}

[endpoint](!)
type = endpoint
transport = loopback
disallow = all
allow = alaw
direct_media = no
rtp_symmetric = yes
media_address = {place.ip}
bind_rtp_to_media_address = yes
timers = no
send_connected_line = no
dtmf_mode = rfc4733
allow_subscribe = no

[trunk](endpoint)
context = trunk
trust_id_inbound = yes

[trunk]
type = identify
endpoint = trunk
match = {place.trunk_net}.0/24

[outside](endpoint)
context = trunk
aors = outside

[outside]
type = aor
contact = sip:{place.outside_ip}:{PHONE_PORT}
qualify_frequency = 0

{phones}"""


def _phone(agent: Agent, ip: str) -> str:
    name = agent.extension
    more = "".join(f"{line}\n" for line in agent.more)
    return f"""\
[{name}](endpoint)
context = agents
aors = {name}
callerid = "{agent.name}" <{name}>
{more}
[{name}]
type = aor
contact = sip:{name}@{ip}:{PHONE_PORT}
qualify_frequency = 0

"""


def _queues(plan: Plan) -> str:
    general = "[general]\npersistentmembers = no\nautofill = yes\nshared_lastcall = yes\n\n"
    return general + "\n".join(_queue(queue, plan) for queue in plan.queues)


def _queue(queue: Queue, plan: Plan) -> str:
    members = "".join(
        f"member => {agent.interface},0,{agent.name},{agent.interface}\n"
        for agent in map(plan.agent, queue.members)
    )
    context = f"context = {queue.name}-keys\n" if queue.keys else ""
    more = "".join(f"{line}\n" for line in queue.more)
    return f"""\
[{queue.name}]
strategy = {queue.strategy}
timeout = {queue.ring}
retry = {queue.retry}
wrapuptime = {queue.wrapup}
servicelevel = {queue.service_level}
musicclass = {queue.musicclass}
joinempty = {queue.joinempty}
leavewhenempty = {queue.leavewhenempty}
maxlen = {queue.maxlen}
ringinuse = no
announce-frequency = 0
{context}{more}{members}"""


_DIALPLAN = """\
[general]
static = yes
writeprotect = yes

[agents]
; What an agent's own phone may dial: a colleague, the numbers of the trunk, and 0 for outside.
exten => _1XXX,1,Dial(PJSIP/${EXTEN},20)
exten => _0X.,1,Dial(PJSIP/${EXTEN:1}@outside,20)
include => trunk

[named]
; A caller name that SIP can't carry (control characters) comes in a header of the lab's own.
exten => s,1,Set(given=${PJSIP_HEADER(read,X-Caller-Name)})
 same => n,GotoIf($["${given}" = ""]?done)
 same => n,Set(CALLERID(name)=${BASE64_DECODE(${given})})
 same => n(done),Return()

"""


def _extensions(plan: Plan) -> str:
    numbers = "".join(_number(queue) for queue in plan.queues)
    keys = "".join(_keys(queue) for queue in plan.queues if queue.keys)
    return f"{_DIALPLAN}[trunk]\n{numbers}\n{keys}{plan.dialplan}"


def _number(queue: Queue) -> str:
    answer = " same => n,Answer()\n" if queue.answer_first else ""
    patience = queue.patience or ""
    return f"""\
exten => {queue.did},1,Gosub(named,s,1)
{answer} same => n,Queue({queue.name},,,,{patience})
 same => n,NoOp(The queue gave up: ${{QUEUESTATUS}})
 same => n,Wait(0.5)
 same => n,Hangup()
"""


def _keys(queue: Queue) -> str:
    lines = "".join(
        f"exten => {key},1,Wait(0.5)\n same => n,Hangup()\n" for key in dict.fromkeys(queue.keys)
    )
    return f"[{queue.name}-keys]\n{lines}\n"
