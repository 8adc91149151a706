//! Starts a sandbox, prints its kubeconfig and how long each step took, and ends with Enter or a closed input.
//! With a name and `flux` as arguments, Flux is in it.

use std::time::Instant;

use gitops_session::sandbox::{Bundle, StartOptions, StateDirectory, start};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "example".to_owned());
    let mut options = StartOptions::new(name, Bundle::find()?, StateDirectory::find()?);
    options.flux = std::env::args().nth(2).is_some_and(|argument| argument == "flux");
    let began = Instant::now();
    let sandbox = start(options, |step| {
        eprintln!("{:7.3} s  {step}", began.elapsed().as_secs_f64());
    })
    .await?;
    eprintln!(
        "{:7.3} s  ready: Kubernetes {}",
        began.elapsed().as_secs_f64(),
        sandbox.kubernetes_version()
    );
    println!("export KUBECONFIG={}", sandbox.kubeconfig());
    let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    line.await??;
    sandbox.stop().await;
    eprintln!("{:7.3} s  gone", began.elapsed().as_secs_f64());
    Ok(())
}
