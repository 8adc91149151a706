//! Which repository a Git URL means, whatever way leads there.

/// What is left of a Git URL when everything is taken away that says how to get there and not what is there.
///
/// Two URLs mean the same repository exactly if these are equal, so "the same" is an equivalence by construction.
///
/// - The scheme and user information say how to get there and as whom, and are left out.
/// - So is a port of SSH: a forge that is served at one host has often SSH on a port of its own, and nobody runs two
///   of them at one host by SSH.
/// - A port of HTTP counts unless it is the scheme's own, since development servers differ in nothing else.
/// - Hosts are compared without case and without a dot at their end; hosts that forges have only to lead SSH around a
///   firewall are the forge.
/// - Of the path, slashes at both ends and doubled ones, one `.git` at the end and percent-encoding are left out. Its
///   case counts, except at forges that do not tell names apart by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RepositoryUrl {
    host: String,
    port: Option<u16>,
    path: String,
}

/// Whether two Git URLs mean the same repository. One that is no URL of a repository means none.
pub fn same_repository(one: &str, other: &str) -> bool {
    match (RepositoryUrl::parse(one), RepositoryUrl::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// What leads to a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Http,
    Https,
    Ssh,
    Git,
}

impl Transport {
    fn from_scheme(scheme: &str) -> Option<Self> {
        match scheme.to_ascii_lowercase().as_str() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            // Git itself takes the two long ones for SSH, too.
            "ssh" | "git+ssh" | "ssh+git" => Some(Self::Ssh),
            "git" => Some(Self::Git),
            _ => None,
        }
    }

    /// The port, where it tells one repository from another.
    fn significant(self, port: Option<u16>) -> Option<u16> {
        let own = match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Git => 9418,
            Self::Ssh => return None,
        };
        port.filter(|port| *port != own)
    }
}

/// Forges at which `Team/Fleet` and `team/fleet` are one repository.
const CASELESS_FORGES: [&str; 5] = [
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "dev.azure.com",
];

impl RepositoryUrl {
    /// Reads a URL (`https://host/path`, `ssh://…`, `git://…`) or the short form of SSH (`user@host:path`). `None` for
    /// what names no host: a path on this machine, an empty text, a scheme that is not Git's.
    pub fn parse(url: &str) -> Option<Self> {
        let url = url.trim();
        let (transport, authority, path) = if let Some((scheme, rest)) = url.split_once("://") {
            let transport = Transport::from_scheme(scheme)?;
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            (transport, authority, path)
        } else {
            let (authority, path) = split_short_form(url)?;
            (Transport::Ssh, authority, path)
        };
        let (host, port) = host_and_port(authority)?;
        let path = normal_path(path);
        if path.is_empty() {
            return None;
        }
        let (host, path) = as_the_forge_means(host, path);
        Some(Self {
            host,
            port: transport.significant(port),
            path,
        })
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path without slashes at its ends and without `.git`, for example `team/fleet`.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Splits `user@host:path` and `[user@]\[host:port\]:path`. It is the short form only if no slash stands before the
/// colon; a single letter there is a drive of Windows.
fn split_short_form(url: &str) -> Option<(&str, &str)> {
    let bracket = url.find('[').filter(|at| !url[..*at].contains(['/', ':']));
    let colon = match bracket {
        Some(at) => at + url[at..].find("]:")? + 1,
        None => url.find(':')?,
    };
    let (authority, path) = (&url[..colon], &url[colon + 1..]);
    let is_drive = authority.len() == 1 && authority.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_local = authority.contains('/') || is_drive;
    (!is_local).then_some((authority, path))
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let without_user = |text| str::rsplit_once(text, '@').map_or(text, |(_, host)| host);
    let host = if authority.starts_with('[') {
        authority
    } else {
        without_user(authority)
    };
    let (host, port) = if let Some(inside) = host.strip_prefix('[') {
        let (inside, after) = inside.split_once(']')?;
        let inside = without_user(inside);
        match after.strip_prefix(':') {
            Some(port) => (inside, Some(port)),
            // Two colons or more are an address of IPv6; with one it is Git's old way of giving a port to the short form.
            None if inside.matches(':').count() == 1 => {
                let (host, port) = inside.split_once(':')?;
                (host, Some(port))
            }
            None => (inside, None),
        }
    } else {
        match host.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        }
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse::<u16>().ok()?),
    };
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then_some((host, port))
}

fn normal_path(path: &str) -> String {
    let decoded = percent_decoded(path);
    let joined = decoded
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != ".")
        .collect::<Vec<_>>()
        .join("/");
    match joined.strip_suffix(".git") {
        Some(stem) => stem.trim_end_matches('/').to_owned(),
        None => joined,
    }
}

/// Decodes `%20` and its like; what is no such escape, or does not give text, stays as it is.
fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = match escaped {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Host and path of a repository by the name that its forge has for it on the web.
fn as_the_forge_means(host: String, path: String) -> (String, String) {
    let host = match host.as_str() {
        // Where SSH goes over the port of HTTPS.
        "ssh.github.com" | "www.github.com" => "github.com".to_owned(),
        "altssh.gitlab.com" | "www.gitlab.com" => "gitlab.com".to_owned(),
        "altssh.bitbucket.org" | "www.bitbucket.org" => "bitbucket.org".to_owned(),
        "ssh.dev.azure.com" => "dev.azure.com".to_owned(),
        _ => host,
    };
    let path = if host == "dev.azure.com" {
        on_the_web_at_azure(&path).unwrap_or(path)
    } else {
        path
    };
    if CASELESS_FORGES.contains(&host.as_str()) {
        (host, path.to_lowercase())
    } else {
        (host, path)
    }
}

/// By SSH a repository of Azure DevOps is `v3/organisation/project/name`; on the web `organisation/project/_git/name`.
fn on_the_web_at_azure(path: &str) -> Option<String> {
    let mut segments = path.strip_prefix("v3/")?.split('/');
    let (organisation, project, name) = (segments.next()?, segments.next()?, segments.next()?);
    segments
        .next()
        .is_none()
        .then(|| format!("{organisation}/{project}/_git/{name}"))
}

#[cfg(test)]
#[path = "repository_url/tests.rs"]
mod tests;
