//! The rounds, one after the other.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::breakage::{Breakage, line_of};
use super::catalogue::kinds;
use super::closure::closure;
use super::copy;
use super::options::Options;
use super::play::Play;
use super::proof::{Unproven, prove};
use super::report::{Report, Round, in_words};
use super::scene::Scene;
use super::world::{Builder, kind_of};
use crate::binary::target_directory;
use crate::mutation::Mutator;

/// How many places of a kind are looked at in one round before the kind is taken for one without any.
const TRIES: usize = 60;

/// Where each round goes while others are still to come.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// Measures.
pub fn run(options: &Options, progress: Progress<'_>) -> anyhow::Result<Report> {
    let files = copy::read(&options.repository, &options.target)?;
    let kind = kind_of(&files.texts, &files.target);
    let program = renderer_program();
    let builder = Builder::new(program, files.texts.clone(), &files.target, kind)?;
    let world = builder.build(None)?;
    for fault in &world.faults {
        progress(&format!("the sound state has a fault already: {fault}"));
    }
    let closure = closure(&builder, &world, &files.target);
    let scene = Scene::new(kind, files.texts.clone(), closure, world);
    progress(&format!(
        "{kind:?} {:?}: {} units, {} objects, {} releases, {} files, {} entries",
        files.target,
        scene.world.units.len(),
        scene.world.objects.len(),
        scene.world.releases.len(),
        scene.closure.files.len(),
        scene.entries.len()
    ));
    let mut report = Report::default();
    let mut pools = pools(options, &scene, &mut report)?;
    let mut play = Play::start(&files, kind, &scene.world)?;
    for said in &play.baseline {
        progress(&format!("said of the sound state: {}", in_words(said)));
    }
    let mut mutator = Mutator::new(options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut unproven: BTreeMap<&'static str, usize> = BTreeMap::new();
    while report.rounds.len() < options.rounds && !pools.is_empty() {
        let at = mutator.below(pools.len());
        let chosen = choose(
            &mut pools[at].1,
            &mut mutator,
            &builder,
            &scene,
            &mut play,
            &mut unproven,
        )?;
        let Some((breakage, broken)) = chosen else {
            let (name, _) = pools.remove(at);
            if !report.rounds.iter().any(|round| round.kind == name) {
                report.without.push(name);
            }
            continue;
        };
        let round = one(report.rounds.len() + 1, &breakage, &broken, &scene, &mut play);
        progress(&in_one_line(&round));
        if let Some(miss) = round.miss() {
            progress(&miss);
        }
        let is_stuck = round.played.left.is_some();
        report.rounds.push(round);
        if is_stuck {
            if !options.keeps_going {
                progress("something is left, so that the rounds after it could not be trusted");
                break;
            }
            drop(play);
            play = Play::start(&files, kind, &scene.world)?;
        }
    }
    report.without.sort_unstable();
    if play.errors().contains("panicked") {
        anyhow::bail!("something has panicked inside of the server:\n{}", play.errors());
    }
    Ok(report)
}

/// The places of each kind that is wanted.
fn pools(options: &Options, scene: &Scene, report: &mut Report) -> anyhow::Result<Vec<(&'static str, Vec<Breakage>)>> {
    let known = kinds();
    if let Some(wrong) = options
        .kinds
        .iter()
        .find(|name| !known.iter().any(|kind| kind.name == **name))
    {
        let names: Vec<&str> = known.iter().map(|kind| kind.name).collect();
        anyhow::bail!("there is no kind {wrong}, but {}", names.join(", "));
    }
    let mut pools = Vec::new();
    for kind in known {
        if !options.kinds.is_empty() && !options.kinds.iter().any(|name| name == kind.name) {
            continue;
        }
        let found = (kind.find)(kind.name, scene);
        if found.is_empty() {
            report.without.push(kind.name);
        } else {
            pools.push((kind.name, found));
        }
    }
    Ok(pools)
}

/// A place of a kind that is a breakage for sure, and the text of its file then. It is not chosen again.
fn choose(
    pool: &mut Vec<Breakage>,
    mutator: &mut Mutator,
    builder: &Builder,
    scene: &Scene,
    play: &mut Play,
    unproven: &mut BTreeMap<&'static str, usize>,
) -> anyhow::Result<Option<(Breakage, String)>> {
    for _ in 0..TRIES {
        if pool.is_empty() {
            return Ok(None);
        }
        let breakage = pool.swap_remove(mutator.below(pool.len()));
        let Some(broken) = breakage.edits.apply(scene.file(&breakage.file)) else {
            continue;
        };
        match prove(&breakage, &broken, builder, &scene.world, &mut play.oracle)? {
            Ok(()) => return Ok(Some((breakage, broken))),
            Err(reason) => {
                *unproven.entry(breakage.kind).or_default() += 1;
                explain(&breakage, scene, &reason);
            }
        }
    }
    Ok(None)
}

/// Why a place was not taken, for somebody who works on the catalogue.
fn explain(breakage: &Breakage, scene: &Scene, reason: &Unproven) {
    if std::env::var_os("GITOPS_TRUTH_EXPLAIN").is_some() {
        let what = breakage.edits.describe(scene.file(&breakage.file));
        eprintln!("  not taken: {} {} {what}: {reason:?}", breakage.kind, breakage.file);
    }
}

fn one(number: usize, breakage: &Breakage, broken: &str, scene: &Scene, play: &mut Play) -> Round {
    let text_of = |file: &str| {
        if file == breakage.file {
            broken
        } else {
            scene.file(file)
        }
    };
    let mut wanted: Vec<String> = breakage
        .exact
        .iter()
        .map(|region| format!("{}:{}", region.file, line_of(text_of(&region.file), region.span.start)))
        .collect();
    wanted.dedup();
    let sound = scene.file(&breakage.file);
    Round {
        number,
        kind: breakage.kind,
        file: breakage.file.clone(),
        line: line_of(sound, breakage.edits.start()),
        what: breakage.edits.describe(sound),
        wanted,
        played: play.round(breakage, broken),
    }
}

fn in_one_line(round: &Round) -> String {
    let left = match &round.played.left {
        None => "",
        Some(_) => ", NOT CLEARED",
    };
    format!(
        "{:4} {:11} {:5} ms, mended {:5} ms {} {}:{} {}{left}",
        round.number,
        round.played.placed.title(),
        round.played.milliseconds,
        round.played.mending,
        round.kind,
        round.file,
        round.line,
        round.what
    )
}

/// The renderer that is built with the sandbox.
fn renderer_program() -> Utf8PathBuf {
    target_directory()
        .join("sandbox")
        .join(format!("gitops-render{}", std::env::consts::EXE_SUFFIX))
}
