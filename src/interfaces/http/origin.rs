//! From where a request comes: the other end of its connection, or, behind a proxy that
//! the operator trusts, what that one says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;

use crate::security::Origin;

/// The other end of a connection.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Proxies in front of a listener whose `X-Forwarded-For` is believed.
#[derive(Clone, Default)]
pub(super) struct Proxies(pub(super) Arc<[IpAddr]>);

/// The origin of a request that came by this door.
pub(super) fn origin_of(request: &Request, door: String) -> Origin {
    let extensions = request.extensions();
    let peer = extensions.get::<Peer>().map(|peer| peer.0.to_canonical());
    let proxies = extensions.get::<Proxies>();
    let address = match (peer, proxies) {
        (Some(peer), Some(proxies)) => Some(behind(peer, &proxies.0, request.headers())),
        _ => peer,
    };
    Origin {
        address,
        door: Some(door),
    }
}

/// Each proxy adds at the right whom it was asked by. What is left of the first one that
/// is not trusted could be anybody's words.
fn behind(peer: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for");
    let said: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .collect();
    let mut client = peer;
    for text in said.into_iter().rev() {
        if !proxies.contains(&client) {
            break;
        }
        let Some(next) = address(text.trim()) else {
            break;
        };
        client = next.to_canonical();
    }
    client
}

/// An address, as some write it with a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};

    use super::behind;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn told(lines: &[&'static str], peer: &str) -> IpAddr {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        behind(ip(peer), &[ip("10.0.0.1"), ip("10.0.0.2")], &headers)
    }

    #[test]
    fn a_proxy_that_is_trusted_says_who_asked_it() {
        assert_eq!(told(&["192.0.2.7"], "10.0.0.1"), ip("192.0.2.7"));
        assert_eq!(told(&["192.0.2.7, 10.0.0.2"], "10.0.0.1"), ip("192.0.2.7"));
        assert_eq!(
            told(&["192.0.2.7", "10.0.0.2"], "10.0.0.1"),
            ip("192.0.2.7")
        );
        assert_eq!(told(&["[2001:db8::7]:4711"], "10.0.0.1"), ip("2001:db8::7"));
        assert_eq!(told(&["[2001:db8::7]"], "10.0.0.1"), ip("2001:db8::7"));
        assert_eq!(told(&["::ffff:192.0.2.7"], "10.0.0.1"), ip("192.0.2.7"));
    }

    #[test]
    fn nobody_hides_behind_words_of_their_own() {
        assert_eq!(told(&["192.0.2.7"], "198.51.100.9"), ip("198.51.100.9"));
        // The first is what the client wrote, the last what the proxy added.
        let forged = told(&["10.0.0.2, 192.0.2.7, 198.51.100.9"], "10.0.0.1");
        assert_eq!(forged, ip("198.51.100.9"));
        assert_eq!(told(&["unknown"], "10.0.0.1"), ip("10.0.0.1"));
        assert_eq!(told(&[], "10.0.0.1"), ip("10.0.0.1"));
    }
}
