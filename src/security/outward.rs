//! Where the service may speak to by itself (threat T14): hosts that an operator
//! has listed, and of their addresses none of a private network unless that is
//! allowed too. Everything else is refused, whatever a URL is dressed as.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest address of a webhook.
pub const WEBHOOK_URL_CHARACTERS_MAX: usize = 2_048;

/// Why an address is not spoken to. Safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutwardRefusal {
    /// It is no URL, or one with parts that are not taken.
    #[error("write a URL like https://host/path, without a user, a fragment or blanks")]
    Unreadable,
    /// The operator has not listed it.
    #[error("this scheme, host and port are not among those that the operator allows")]
    NotListed,
    /// Its network is not spoken to.
    #[error("this host is an address of a private or special network")]
    Private,
}

/// What the operator allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutwardPolicy {
    hosts: Vec<AllowedHost>,
    private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AllowedHost {
    scheme: String,
    /// In the URL parser's form; after `*.` any host under it.
    host: String,
    port: u16,
}

/// The text allows nothing that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write hosts like hooks.example.org, *.example.org or http://127.0.0.1:9000")]
pub struct NoHost;

impl OutwardPolicy {
    /// Reads a list of `[https://|http://]host[:port]` with commas; a host may
    /// begin with `*.`. Without a scheme it is https.
    ///
    /// # Errors
    /// An entry is none.
    pub fn parse(hosts: &str, private: bool) -> Result<Self, NoHost> {
        let entries = hosts.split(',').map(str::trim);
        let hosts = entries
            .filter(|entry| !entry.is_empty())
            .map(AllowedHost::parse)
            .collect::<Option<Vec<_>>>()
            .ok_or(NoHost)?;
        Ok(Self { hosts, private })
    }

    /// Whether anything is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether this URL may be spoken to, as far as its text says.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, text: &str) -> Result<Url, OutwardRefusal> {
        let text = without_form(text).1;
        // The parser takes these out silently; a reader of the text would not.
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '\\';
        if text.chars().count() > WEBHOOK_URL_CHARACTERS_MAX || text.chars().any(odd) {
            return Err(OutwardRefusal::Unreadable);
        }
        let url = Url::parse(text).map_err(|_| OutwardRefusal::Unreadable)?;
        let user = !url.username().is_empty() || url.password().is_some();
        let authority = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if user || authority.contains('@') || url.fragment().is_some() || url.host().is_none() {
            return Err(OutwardRefusal::Unreadable);
        }
        if !self.hosts.iter().any(|allowed| allowed.allows(&url)) {
            return Err(OutwardRefusal::NotListed);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        match address {
            Some(address) if !self.may_connect(address) => Err(OutwardRefusal::Private),
            _ => Ok(url),
        }
    }

    /// Whether an address that a host resolves to may be connected with.
    #[must_use]
    pub fn may_connect(&self, address: IpAddr) -> bool {
        match plain(address) {
            IpAddr::V4(address) if is_local_v4(address) => self.private,
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) if address.is_loopback() || address.is_unique_local() => {
                self.private
            }
            IpAddr::V6(address) => is_public_v6(address),
        }
    }
}

/// How a reader over the web wants to be told: what stands before its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageForm {
    /// Events of this service, as Standard Webhooks has them.
    Events,
    /// `fhir+`: a FHIR message of a patient identity feed.
    PatientFeed,
    /// `hook+`: that there is news, and nothing else.
    Knock,
}

impl MessageForm {
    /// What stands before an address.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Events => "",
            Self::PatientFeed => "fhir+",
            Self::Knock => "hook+",
        }
    }
}

/// An address apart from the form that stands before it.
#[must_use]
pub fn without_form(text: &str) -> (MessageForm, &str) {
    let forms = [MessageForm::PatientFeed, MessageForm::Knock];
    let mut held = forms
        .into_iter()
        .filter_map(|form| Some((form, text.strip_prefix(form.prefix())?)))
        .filter(|(_, rest)| rest.starts_with("http"));
    held.next().unwrap_or((MessageForm::Events, text))
}

impl AllowedHost {
    fn parse(entry: &str) -> Option<Self> {
        let (scheme, rest) = entry.split_once("://").unwrap_or(("https", entry));
        if !matches!(scheme, "https" | "http" | "mllp" | "mllps") {
            return None;
        }
        let (under, rest) = match rest.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", rest),
        };
        let url = Url::parse(&format!("{scheme}://{rest}")).ok()?;
        // Only the schemes of the web have a path where none is written.
        let alone = matches!(url.path(), "/" | "")
            && url.query().is_none()
            && !rest.contains(['@', '#', '/']);
        let host = url.host_str().filter(|host| alone && !host.is_empty())?;
        Some(Self {
            scheme: scheme.to_owned(),
            host: format!("{under}{host}"),
            port: url.port_or_known_default()?,
        })
    }

    fn allows(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let same = match self.host.strip_prefix("*.") {
            Some(suffix) => host
                .strip_suffix(suffix)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            None => host == self.host,
        };
        same && url.scheme() == self.scheme && url.port_or_known_default() == Some(self.port)
    }
}

/// An IPv4 address in IPv6 clothes, without them.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn is_local_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private()
}

/// No special range of RFC 6890; those of the machine's neighbours (link-local,
/// where clouds answer for secrets) are refused even where private ones are not.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = match first {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&second),
        169 => second == 254,
        172 => (16..32).contains(&second),
        192 => matches!((second, third), (0, 0 | 2) | (88, 99) | (168, _)),
        198 => matches!((second, third), (18 | 19, _) | (51, 100)),
        203 => (second, third) == (0, 113),
        _ => false,
    };
    !special
}

/// Global unicast without documentation, tunnels and translations, which lead
/// to an IPv4 address that nobody has judged.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let global = (0x2000..0x4000).contains(&segments[0]);
    let tunnel = segments[0] == 0x2002 || (segments[0] == 0x2001 && segments[1] < 0x200);
    let documentation = (segments[0] == 0x2001 && segments[1] == 0x0db8) || segments[0] == 0x3fff;
    global && !tunnel && !documentation
}

#[cfg(test)]
mod tests {
    use super::{OutwardPolicy, OutwardRefusal};

    fn policy() -> OutwardPolicy {
        let hosts = "hooks.example.org, *.example.net, https://other.example.org:8443,\
                     https://93.184.216.34,https://10.0.0.7,https://[::1],https://169.254.169.254";
        OutwardPolicy::parse(hosts, false).expect("a list of hosts")
    }

    #[test]
    fn a_listed_host_is_spoken_to() {
        for url in [
            "https://hooks.example.org/accord?x=1",
            "https://HOOKS.example.org:443/",
            "https://a.example.net/x",
            "https://other.example.org:8443/",
            "https://93.184.216.34/",
        ] {
            assert!(policy().judge(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn tricks_with_urls_are_refused() {
        let tricks = [
            "http://hooks.example.org/",
            "https://hooks.example.org:8443/",
            "https://hooks.example.org./",
            "https://hooks.example.org.evil.example/",
            "https://evil.example/?hooks.example.org",
            "https://evil.example/#hooks.example.org",
            "https://evil.example#@hooks.example.org/",
            "https://hooks.example.org@evil.example/",
            "https://user:secret@hooks.example.org/",
            "https://@hooks.example.org/",
            "https://hooks.example.org#fragment",
            "https://hooks.example.org\\@evil.example/",
            "https:\\\\hooks.example.org/",
            "https://hooks.example.org\n.evil.example/",
            "https://hooks.exa\tmple.org/",
            " https://hooks.example.org/",
            "https://example.net/",
            "https://.example.net/",
            "https://evilexample.net/",
            "https://a.example.net.evil.example/",
            "https://hooks\u{ff0e}evil.example/",
            "https://h\u{043e}oks.example.org/",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "gopher://hooks.example.org/",
            "dict://hooks.example.org:11211/",
            "data:text/plain,x",
            "javascript:alert(1)",
            "//hooks.example.org/",
            "hooks.example.org",
            "",
            "https://",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://0/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://metadata.google.internal/",
        ];
        assert!(tricks.len() >= 40);
        for url in tricks {
            assert!(policy().judge(url).is_err(), "{url}");
        }
        for private in [
            "https://10.0.0.7/",
            "https://0xa.0.0.7/",
            "https://[::1]/",
            "https://169.254.169.254/latest/",
        ] {
            assert_eq!(
                policy().judge(private),
                Err(OutwardRefusal::Private),
                "{private}"
            );
        }
    }

    #[test]
    fn a_host_that_resolves_to_a_special_network_is_not_connected_with() {
        let allowed = OutwardPolicy::parse("hooks.example.org", true).expect("a host");
        for (address, public, private) in [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1::1", true, true),
            ("127.0.0.1", false, true),
            ("10.1.2.3", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("::1", false, true),
            ("fd00::1", false, true),
            ("::ffff:10.0.0.1", false, true),
            ("0.0.0.0", false, false),
            ("100.64.0.1", false, false),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("192.0.0.1", false, false),
            ("198.18.0.1", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("::", false, false),
            ("fe80::1", false, false),
            ("ff02::1", false, false),
            ("64:ff9b::7f00:1", false, false),
            ("2002:7f00:1::", false, false),
            ("2001:0:7f00:1::", false, false),
            ("2001:db8::1", false, false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(policy().may_connect(address), public, "{address}");
            assert_eq!(allowed.may_connect(address), private, "{address}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_allows_nothing() {
        for list in ["ftp://a", "https://a/path", "a@b", "https://", "a b"] {
            assert!(OutwardPolicy::parse(list, false).is_err(), "{list}");
        }
        let nothing = OutwardPolicy::parse("", false).expect("nothing");
        assert!(nothing.is_empty());
        assert!(nothing.judge("https://hooks.example.org/").is_err());
    }
}
