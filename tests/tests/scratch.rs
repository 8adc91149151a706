//! scratch
use gitops_tests::server::TestServer;
use serde_json::json;
#[test]
fn probe() {
    let server = TestServer::builder().build();
    if true {}; server.start_session(json!({}));
    let mut files: Vec<_> = std::fs::read_dir("/tmp/probe").unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for (n, part) in text.split("\n#####\n").enumerate() {
            let file = format!("{}-{n}.yaml", path.file_stem().unwrap().to_str().unwrap());
            for (round, part) in part.split("\n#=====\n").enumerate() {
                if server.is_open(&file) { server.retype(&file, part); } else { server.open_with(&file, part); }
                let before = server.generation(&file); let mark = server.save(&file); let p = server.wait_for_version(&file, round as i64 + 1);
                let sound = !p.summary().iter().any(|l| l.starts_with("error syntax"));
                let ok = if sound { Some(server.wait_for_verdict(&file, gitops_tests::server::Phase::Apply, mark, before + 1).ok) } else { None };
                let published = server.diagnostics(&file);
                println!("=== {file} round {round} ok={:?} {}", ok, part.lines().find(|l| l.starts_with("# ")).unwrap_or(""));
                for (i, line) in part.lines().enumerate() {
                    for d in published.diagnostics.iter().filter(|d| d["range"]["start"]["line"] == i as u64) {
                        let c = |k: &str| d["range"][k]["character"].as_u64().unwrap() as usize;
                        let range: String = if d["range"]["start"]["line"] == d["range"]["end"]["line"] { line.chars().skip(c("start")).take(c("end") - c("start")).collect() } else { "MULTI".into() };
                        println!("  {:3} {}\n        «{range}» {}", i + 1, line, gitops_tests::show::headline(d));
                        for a in server.actions(&file, &d["range"]) { println!("        > {}", a["title"]); }
                        print!("{}", gitops_tests::show::detail(d).lines().map(|l| format!("        {l}\n")).collect::<String>());
                    }
                }
            }
        }
    }
    println!("ERRORS {}", server.errors());
}
