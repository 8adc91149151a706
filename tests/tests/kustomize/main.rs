//! Targets that are kustomizations: what is wrong is said on the line that supplies it, whichever file that is in.

mod faults;
mod references;
mod reported;
mod repository;

mod targets;
mod verdicts;
