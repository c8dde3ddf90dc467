//! Which of the provider's keys a token is signed by: the one that it names, where that
//! key is of the token's algorithm by its own word (`kty`, `crv`, `alg`, `use`).

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, decode_header};

use crate::interfaces::oidc::NotVouched;

const ALGORITHM: NotVouched = NotVouched::NotOurs("signature algorithm");

/// Signatures that only a key of the provider can make (RFC 7518 §3.1, RFC 8037): none
/// that our own secret could make, and never none at all.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The key of a token, where the provider has it; a token that names none is by the only
/// key that can have made it.
///
/// # Errors
/// The token cannot be read, is signed in a way that is not taken, or names a key that
/// does not sign so.
pub(super) fn key_of(
    token: &str,
    keys: &JwkSet,
) -> Result<Option<(DecodingKey, Algorithm)>, NotVouched> {
    let unread = |_| NotVouched::NotOurs("the token cannot be read");
    let header = decode_header(token).map_err(unread)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(ALGORITHM);
    }
    let named = |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let fits = |key: &&Jwk| fits(key, header.alg);
    let mut fitting = keys.keys.iter().filter(named).filter(fits);
    let key = match (fitting.next(), fitting.next()) {
        (Some(only), None) => only,
        // Not of the algorithm that the token says.
        (None, _) if header.kid.is_some() && keys.keys.iter().any(|key| named(&key)) => {
            return Err(ALGORITHM);
        }
        _ => return Ok(None),
    };
    let read = DecodingKey::from_jwk(key).map_err(unread)?;
    Ok(Some((read, header.alg)))
}

/// Whether a key of the token is among these.
///
/// # Errors
/// As [`key_of`].
pub(super) fn is_known(token: &str, keys: &JwkSet) -> Result<bool, NotVouched> {
    Ok(key_of(token, keys)?.is_some())
}

/// Whether a key can make such signatures, and says nothing else of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    use AlgorithmParameters::{EllipticCurve as Ec, OctetKeyPair, RSA};
    let can = match (&key.algorithm, algorithm) {
        (
            RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (Ec(it), Algorithm::ES256) => it.curve == EllipticCurve::P256,
        (Ec(it), Algorithm::ES384) => it.curve == EllipticCurve::P384,
        (OctetKeyPair(it), Algorithm::EdDSA) => it.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let said = key.common.key_algorithm;
    let used = key.common.public_key_use.as_ref();
    can && said.is_none_or(|said| said == KeyAlgorithm::from(algorithm))
        && used.is_none_or(|used| *used == PublicKeyUse::Signature)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::{is_known, key_of};

    /// Keys made for these tests alone: private halves in PKCS#8.
    const P256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSV4-7Dd7Rv8ZxspjbZCPrNAF7UwBpA6PATVmMWNJOSWhRANCAATVWGFqjAebrh_6ilPYEgr44ScsnsuhFc_ypfu0pbMlb_w2z0C-xevKXmpxNpcVf4z3DeKUc6_sIpgS6uDnUWhc";
    const P384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCq9RS0MqLgEi3TaMGsc_1OpnL7z37piv70oeS3yRm7j-V43RJNLb-F7YhoLq9RGDyhZANiAAR9pLnFzCZQ9gZ27jh9f2jAGxda3KBb1s6Hmnaew4Nc2mLQWkb19PfLlPcUgcOlPgbudsnUtMZ83u1bcmgdUvbUPfJ5msR9ZTvEibHyIqaYlVCxobyV6RogUNH900iPt8s";
    const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIHmuyw0UdGZOGJy6ZpAjpVok2_F7nQyc-6xluKS7z6pr";

    fn public(name: &str) -> Value {
        match name {
            "p256" => json!({"kty": "EC", "crv": "P-256", "kid": "p256",
                "x": "1VhhaowHm64f-opT2BIK-OEnLJ7LoRXP8qX7tKWzJW8",
                "y": "_DbPQL7F68peanE2lxV_jPcN4pRzr-wimBLq4OdRaFw"}),
            "p384" => json!({"kty": "EC", "crv": "P-384", "kid": "p384",
                "x": "faS5xcwmUPYGdu44fX9owBsXWtygW9bOh5p2nsODXNpi0FpG9fT3y5T3FIHDpT4G",
                "y": "7nbJ1LTGfN7tW3JoHVL21D3yeZrEfWU7xImx8iKmmJVQsaG8lekaIFDR_dNIj7fL"}),
            _ => json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed25519",
                "x": "o8Jjh89UDU6scto1CvQzcNx47rmW_rKpQIn2hW-iUPQ"}),
        }
    }

    fn set(keys: &[Value]) -> JwkSet {
        serde_json::from_value(json!({"keys": keys})).expect("a set of keys")
    }

    fn signed(algorithm: Algorithm, private: &str, kid: Option<&str>) -> String {
        let der = URL_SAFE_NO_PAD.decode(private).expect("base64");
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
            Algorithm::HS256 => EncodingKey::from_secret(&der),
            _ => EncodingKey::from_ec_der(&der),
        };
        let mut header = Header::new(algorithm);
        header.kid = kid.map(ToOwned::to_owned);
        encode(&header, &json!({"sub": "1"}), &key).expect("a token")
    }

    #[test]
    fn a_token_is_read_by_a_key_of_either_curve_and_by_no_other() {
        let all = set(&["p256", "p384", "ed25519"].map(public));
        let mut validation = Validation::default();
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        for (algorithm, private, kid) in [
            (Algorithm::ES256, P256, "p256"),
            (Algorithm::ES384, P384, "p384"),
            (Algorithm::EdDSA, ED25519, "ed25519"),
        ] {
            // Named, or the only one that can have made it.
            for named in [Some(kid), None] {
                let token = signed(algorithm, private, named);
                let (key, read) = key_of(&token, &all).expect("read").expect("known");
                assert_eq!(read, algorithm);
                validation.algorithms = vec![read];
                assert!(decode::<Value>(&token, &key, &validation).is_ok(), "{kid}");
                let (head, tail) = token.rsplit_once('.').expect("three parts");
                let forged = format!("{head}.{}", tail.chars().rev().collect::<String>());
                assert!(decode::<Value>(&forged, &key, &validation).is_err());
            }
            assert!(!is_known(&signed(algorithm, private, Some("new")), &all).expect("read"));
        }
    }

    #[test]
    fn t13_a_key_makes_no_signatures_of_another_kind_than_it_says() {
        let with = |name: &str, member: &str, value: &str| {
            let mut key = public(name);
            key[member] = json!(value);
            set(&[key])
        };
        let token = signed(Algorithm::ES256, P256, Some("p256"));
        assert!(is_known(&token, &with("p256", "alg", "ES256")).expect("read"));
        assert!(is_known(&token, &with("p256", "use", "sig")).expect("read"));
        for keys in [
            with("p256", "alg", "ES384"),
            with("p256", "alg", "HS256"),
            with("p256", "alg", "ES256K"),
            with("p256", "use", "enc"),
            // The name of the one on the curve of the other.
            with("p384", "kid", "p256"),
            with("ed25519", "kid", "p256"),
        ] {
            assert!(is_known(&token, &keys).is_err(), "{keys:?}");
        }
        // Two that can have made it, and none is named.
        let unnamed = signed(Algorithm::ES256, P256, None);
        let mut twin = public("p256");
        twin["kid"] = json!("twin");
        assert!(!is_known(&unnamed, &set(&[public("p256"), twin])).expect("read"));
    }

    #[test]
    fn t13_neither_a_secret_nor_nothing_signs_for_a_provider() {
        let secret = json!({"kty": "oct", "kid": "p256", "k": "AAAA"});
        let keys = set(&[secret]);
        let token = signed(Algorithm::HS256, P256, Some("p256"));
        assert!(is_known(&token, &keys).is_err());
        let token = signed(Algorithm::ES256, P256, Some("p256"));
        assert!(is_known(&token, &keys).is_err());
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for algorithm in ["none", "None", "HS512"] {
            let header = part(json!({"alg": algorithm, "kid": "p256"}));
            let unsigned = format!("{header}.{}.", part(json!({"sub": "1"})));
            let keys = set(&[public("p256")]);
            assert!(is_known(&unsigned, &keys).is_err(), "{algorithm}");
        }
    }
}
