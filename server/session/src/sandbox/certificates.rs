//! The keys and certificates of one sandbox, made anew for each and gone with it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

use super::component::{API_SERVICE_ADDRESS, Component};

/// How long certificates are valid. They are thrown away with the sandbox, long before that.
const VALID_FOR: Duration = Duration::days(3650);

/// The group whose members the API server lets do everything.
const MASTERS: &str = "system:masters";

/// A certificate authority of its own, and all that was issued by it. Everything is PEM.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) api_server: Pair,
    pub(crate) admin: Pair,
    pub(crate) controller_manager: Pair,
    pub(crate) scheduler: Pair,
    pub(crate) kwok: Pair,
    /// Those of Flux's controllers. Nothing can be issued later, and Flux can be added to a sandbox that runs.
    pub(crate) flux: Vec<(Component, Pair)>,
    /// Signs service account tokens.
    pub(crate) service_account_key: String,
    /// Proves them.
    pub(crate) service_account_public_key: String,
}

/// A certificate with its private key.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Makes all keys and certificates. The authority's private key is forgotten at the end: nothing more can be issued.
pub(crate) fn generate() -> Result<Certificates, rcgen::Error> {
    let authority_key = KeyPair::generate()?;
    let mut parameters = parameters("gitops-lsp sandbox", None);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority = parameters.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(parameters, authority_key);

    let service_account = KeyPair::generate()?;
    Ok(Certificates {
        authority,
        api_server: server(&issuer)?,
        admin: client(&issuer, "gitops-lsp")?,
        controller_manager: client(&issuer, "system:kube-controller-manager")?,
        scheduler: client(&issuer, "system:kube-scheduler")?,
        kwok: client(&issuer, "kwok")?,
        flux: Component::FLUX
            .into_iter()
            .map(|component| Ok((component, client(&issuer, component.name())?)))
            .collect::<Result<_, rcgen::Error>>()?,
        service_account_key: service_account.serialize_pem(),
        service_account_public_key: service_account.public_key_pem(),
    })
}

/// 256 bits that nobody can guess, as hexadecimal digits: one coordinate of a fresh public key.
pub(crate) fn secret() -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    // The first byte says that a point follows, and is always the same.
    let coordinate = key.public_key_raw().iter().skip(1).take(32);
    let mut digits = String::new();
    for byte in coordinate {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

fn server(issuer: &Issuer<'_, KeyPair>) -> Result<Pair, rcgen::Error> {
    let mut parameters = parameters("kube-apiserver", None);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.subject_alt_names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::from(API_SERVICE_ADDRESS))),
    ];
    for name in [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ] {
        parameters.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    issue(issuer, parameters)
}

/// Every client is in the group of masters: the components must not wait for the roles that a first start makes,
/// and whoever can read one of these keys can read the admin's too.
fn client(issuer: &Issuer<'_, KeyPair>, user: &str) -> Result<Pair, rcgen::Error> {
    let mut parameters = parameters(user, Some(MASTERS));
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    issue(issuer, parameters)
}

fn issue(issuer: &Issuer<'_, KeyPair>, mut parameters: CertificateParams) -> Result<Pair, rcgen::Error> {
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, issuer)?.pem();
    Ok(Pair {
        certificate,
        key: key.serialize_pem(),
    })
}

fn parameters(common_name: &str, organization: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    parameters.distinguished_name = name;
    let now = OffsetDateTime::now_utc();
    // A clock that is set back a little must not make the sandbox unusable.
    parameters.not_before = now - Duration::days(1);
    parameters.not_after = now + VALID_FOR;
    parameters
}
