"""The configuration files of one Dovecot and one Postfix. Pure: a name and a text for each file.

No mail can leave the lab: Postfix has no SMTP client and looks nothing up in DNS. A recipient whose
domain is not the lab's is refused, but for those of VOID and BOUNCES.
"""

from collections.abc import Iterable
from dataclasses import dataclass

IMAP_PORT, IMAPS_PORT = 10143, 10993
SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT = 10025, 10587, 10465
POLICY_PORT = 10031
VOID = "void.example"
"""Mail for this domain is accepted and thrown away."""
BOUNCES = "bounces.example"
"""Mail for this domain is accepted and comes back as undeliverable: Dovecot has no such user."""


@dataclass(frozen=True)
class MailPlace:
    """Where the servers are: address and directory as they see it, and whose the mail is."""

    ip: str
    base: str
    user: int
    group: int


def dovecot(place: MailPlace) -> str:
    """dovecot.conf."""
    at = place.base
    return f"""\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log/dovecot.log
listen = {place.ip}
protocols = imap lmtp
ssl = yes
ssl_server_cert_file = {at}/etc/cert.pem
ssl_server_key_file = {at}/etc/key.pem
auth_allow_cleartext = yes
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
first_valid_uid = 1
first_valid_gid = 1
mail_uid = {place.user}
mail_gid = {place.group}
mail_home = {at}/mail/%{{user}}
mail_driver = maildir
mail_path = ~/Maildir
mailbox_list_utf8 = no
mail_max_userip_connections = 100
imap_hibernate_timeout = 0

namespace inbox {{
  inbox = yes
  separator = /
}}
passdb passwd-file {{
  passwd_file_path = {at}/etc/users
}}
userdb passwd-file {{
  passwd_file_path = {at}/etc/users
}}
oauth2 {{
  introspection_mode = local
  username_attribute = email
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {at}/etc/keys/
      }}
    }}
  }}
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2
}}
service imap-login {{
  inet_listener imap {{
    port = {IMAP_PORT}
  }}
  inet_listener imaps {{
    port = {IMAPS_PORT}
    ssl = yes
  }}
  restart_request_count = unlimited
  process_min_avail = 1
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener postfix {{
    mode = 0666
  }}
}}
"""


def main_cf(place: MailPlace, domains: Iterable[str]) -> str:
    """main.cf."""
    at = place.base
    return f"""\
compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
maillog_file = {at}/log/postfix.log
maillog_file_prefixes = {at}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mail.lab.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
biff = no
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtp_host_lookup = native
default_transport = error:5.1.2 nothing leaves the lab
relay_transport = error:5.1.2 nothing leaves the lab
local_transport = error:5.1.1 no local mailboxes
transport_maps = inline:{{ {VOID}=discard: }}
virtual_mailbox_domains = {" ".join(sorted({*domains, BOUNCES}))}
virtual_mailbox_maps = texthash:{at}/etc/mailboxes
virtual_transport = lmtp:unix:{at}/run/lmtp
recipient_delimiter = +
message_size_limit = 52428800
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_tls_cert_file = {at}/etc/cert.pem
smtpd_tls_key_file = {at}/etc/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {at}/run/postfix
smtpd_recipient_restrictions =
    check_policy_service inet:{place.ip}:{POLICY_PORT}, permit_mynetworks, reject_unauth_destination
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_reject_unlisted_recipient = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
minimal_backoff_time = 2s
maximal_backoff_time = 5s
queue_run_delay = 2s
lmtp_destination_concurrency_limit = 4
"""


def master_cf(place: MailPlace) -> str:
    """master.cf: no smtp, relay, local or pipe, by which mail could go elsewhere."""
    at = place.ip
    client = "-o smtpd_client_restrictions=permit_sasl_authenticated,reject"
    submission = f"-o smtpd_sasl_auth_enable=yes {client}"
    return f"""\
{at}:{SMTP_PORT} inet n - n - - smtpd
{at}:{SUBMISSION_PORT} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {submission}
{at}:{SUBMISSIONS_PORT} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {submission}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
