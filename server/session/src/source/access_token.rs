//! The secret that opens the session's repository.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

/// As much as nobody guesses.
const BYTES: usize = 32;

/// A random secret. It is shown to nobody but by [`AccessToken::reveal`].
#[derive(Clone)]
pub struct AccessToken(String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken(…)")
    }
}

impl AccessToken {
    /// A new one, from the operating system's randomness.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The secret itself, for the Secret that source-controller reads.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a value of `Authorization` gives it: as a bearer token, or as the password of whomever.
    /// How long that takes says nothing about the secret but its length.
    pub(crate) fn opens(&self, authorization: &[u8]) -> bool {
        let Some((scheme, given)) = std::str::from_utf8(authorization)
            .ok()
            .and_then(|text| text.trim().split_once(' '))
        else {
            return false;
        };
        let given = given.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(given.as_bytes());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return false;
        }
        let Ok(pair) = STANDARD.decode(given) else {
            return false;
        };
        let mut parts = pair.splitn(2, |byte| *byte == b':');
        match (parts.next(), parts.next()) {
            (Some(_), Some(password)) => self.is(password),
            _ => false,
        }
    }

    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_as_bearer_token_and_as_password() {
        let token = AccessToken::random().expect("randomness");
        let secret = token.reveal();
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        for opening in [
            format!("Bearer {secret}"),
            format!("bearer  {secret} "),
            basic(format!("git:{secret}")),
            basic(format!(":{secret}")),
        ] {
            assert!(token.opens(opening.as_bytes()), "{opening}");
        }
        for closed in [
            String::new(),
            secret.to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer {secret}x"),
            format!("Bearer {}", &secret[1..]),
            format!("Token {secret}"),
            basic(secret.to_owned()),
            basic(format!("{secret}:git")),
            format!("Basic {secret}"),
            format!("Bearer {}", AccessToken::random().expect("randomness").reveal()),
        ] {
            assert!(!token.opens(closed.as_bytes()), "{closed}");
        }
    }

    #[test]
    fn it_is_long_and_not_shown() {
        let token = AccessToken::random().expect("randomness");
        assert_eq!(token.reveal().len(), 43);
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
