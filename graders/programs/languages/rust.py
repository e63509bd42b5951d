"""Rust, by rustc alone: without crates."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["RUST"]

RUST: Final = Language(
    name="rust",
    tags=frozenset({"rust", "rs"}),
    file="main.rs",
    compile=(
        *("rustc", "-O", "--edition=2021", "-Cstrip=symbols", "--cap-lints=allow"),
        *("-o", "program", "main.rs"),
    ),
    artifact="program",
    run=("./program",),
    needs=Needs(cpu_s=0.01),
    cpu_multiple=1,
    packages=("rustc",),
    programs=("rustc",),
    version=("rustc", "--version"),
    self_test="""\
use std::{collections::BTreeSet, io::*};
fn main() {
    let mut text = String::new();
    stdin().read_to_string(&mut text).unwrap();
    let numbers: Vec<i64> = text.split_whitespace().skip(1).map(|w| w.parse().unwrap()).collect();
    let seen: BTreeSet<i64> = numbers.iter().copied().collect();
    let words: Vec<String> = seen.iter().map(|n| n.to_string()).collect();
    println!("{}\\n{}", numbers.iter().sum::<i64>(), words.join(" "));
}
""",
)
