"""Every language: what is offered, what its programs end as, and what its compiler is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from graders.programs import compiling
from graders.programs.builds import NotCompiled, build
from graders.programs.execution import Execution, executed_fairly
from graders.programs.languages import LANGUAGES, scaled_cpu_s
from graders.programs.languages.java_names import java_names
from graders.programs.limits import MIB
from graders.programs.offers import offered, version_of
from graders.programs.results import CaseOutcome
from graders.programs.tasks import LanguageName
from sandbox import Limits
from tests.graders.language_programs import SAMPLES

LIMITS: Final = Limits(cpu_s=5, wall_s=60, output_bytes=2 * MIB)
SHORT: Final = replace(LIMITS, cpu_s=0.5)
SMALL: Final = replace(LIMITS, memory_bytes=128 * MIB)
LINES: Final = b"one line of ten thousands\n" * 40_000
MOST_SAID: Final = 4_200


def _require(language: LanguageName) -> None:
    offer = offered(language)
    if not offer.serves:
        pytest.skip(f"{language} is not served here: {offer.note}; {offer.remedy}")


def _run(
    language: LanguageName, source: str, stdin: bytes = b"", *, limits: Limits = LIMITS
) -> Execution:
    _require(language)
    return executed_fairly(build(language, source).job(stdin=stdin, limits=limits))


def test_every_language_is_declared_and_sampled() -> None:
    assert list(LANGUAGES) == list(SAMPLES) == [one.name for one in LANGUAGES.values()]
    tags = [tag for one in LANGUAGES.values() for tag in one.tags]
    assert len(tags) == len(set(tags))
    assert all(one.name in one.tags for one in LANGUAGES.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_passes_its_self_test_and_names_its_version(language: LanguageName) -> None:
    _require(language)
    assert offered(language).cpu_s > 0
    assert any(letter.isdigit() for letter in version_of(language))


ENDINGS: list[tuple[str, Limits, CaseOutcome]] = [
    ("crash", LIMITS, "crashed"),
    ("loop", SHORT, "cpu_time"),
    ("hog", SMALL, "memory"),
    ("flood", LIMITS, "output"),
]


@pytest.mark.parametrize("language", SAMPLES)
@pytest.mark.parametrize(("what", "limits", "outcome"), ENDINGS, ids=[row[0] for row in ENDINGS])
def test_a_program_ends_as_it_should(
    language: LanguageName, what: str, limits: Limits, outcome: CaseOutcome
) -> None:
    execution = _run(language, getattr(SAMPLES[language], what), limits=limits)
    assert execution.outcome == outcome, execution


PRINTED: list[tuple[str, bytes, bytes]] = [("threads", b"", b"4950\n"), ("echo", LINES, LINES)]
DEPTHS: Final[dict[LanguageName, int]] = {"python": 10_000, "bash": 1_000}


@pytest.mark.parametrize("language", SAMPLES)
@pytest.mark.parametrize(("what", "stdin", "stdout"), PRINTED, ids=["threads", "echo"])
def test_a_program_does_what_it_does_anywhere(
    language: LanguageName, what: str, stdin: bytes, stdout: bytes
) -> None:
    execution = _run(language, getattr(SAMPLES[language], what), stdin)
    assert execution.outcome is None, execution.ending.stderr
    assert execution.ending.stdout == stdout


@pytest.mark.parametrize("language", SAMPLES)
def test_a_program_may_recurse_deeply(language: LanguageName) -> None:
    execution = _run(language, SAMPLES[language].deep)
    assert execution.ending.stdout == b"%d\n" % DEPTHS.get(language, 100_000), execution


@pytest.mark.parametrize("language", SAMPLES)
def test_what_is_no_program_is_its_own_fault_and_said_so(language: LanguageName) -> None:
    if not LANGUAGES[language].compile:
        assert _run(language, SAMPLES[language].broken).outcome == "crashed"
        return
    with pytest.raises(NotCompiled, match=r"(?i)main\.") as caught:
        _run(language, SAMPLES[language].broken)
    assert len(str(caught.value)) <= MOST_SAID


# What a program says to its compiler, and what is said of it.
HOSTILE: list[tuple[LanguageName, str, str]] = [
    ("c", '#include "/dev/zero"', "ended by memory"),
    ("c", '#include "/dev/urandom"', "ended by memory"),
    ("c", '#include "/etc/shadow"', "No such file"),
    ("c", '#include "/etc/hostname"', "No such file"),
    ("c", '#include "/root/.bashrc"', "No such file"),
    ("c", '#include "main.c"', "main.c"),
    ("c", f"#error {'x' * 100_000}", "xxx"),
    ("c", "char a[60 << 20] = {1}; int main(void) {}", "too large"),
    ("c", "int main(void) {}\udc80", "half a surrogate pair"),
    ("c", "", "main"),
    ("c", f"int main(void) {{ return {'(' * 200_000}1{')' * 200_000}; }}", "compiler"),
    (
        "cpp",
        "template <class A, class B> struct P {};\n"
        "template <int n, class T> struct X : X<n - 1, P<T, int>>, X<n - 1, P<int, T>> {};\n"
        "template <class T> struct X<0, T> {};\nint main() { X<30, int> x; }",
        "ended by cpu_time",
    ),
    ("cpp", "template <int n> struct X : X<n + 1> {}; X<0> x;", "depth"),
    ("cpp", "\n".join(f"none{i} x;" for i in range(10_000)), "does not name a type"),
    ("rust", 'fn main() { let _ = include_bytes!("/dev/zero"); }', "ended by memory"),
    ("rust", 'fn main() { println!("{}", include_str!("/etc/shadow")); }', "No such file"),
    ("rust", "macro_rules! m { ($($t:tt)*) => { m!($($t)* $($t)* a) } } fn main() { m!(a) }", ""),
    ("go", 'package main\nimport "C"\nfunc main() {}', "no Go source files"),
    ("go", 'package main\nimport "example.org/x"\nfunc main() { x.Y() }', "example.org"),
    ("java", f"class A {{ int[] a = {{ {'1,' * 20_000} }}; }}", "code too large"),
    ("java", "public class A {} public class B {}", "B.java"),
]


@pytest.mark.parametrize(("language", "source", "says"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_compiler_is_bounded_and_sees_nothing_of_the_host(
    language: LanguageName, source: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _require(language)
    # Little CPU only for what is to run out of it: memory takes long to fill on a busy machine.
    cpu_s = 3.0 if says in ("ended by cpu_time", "") else 15.0
    short = replace(compiling.LIMITS, cpu_s=cpu_s, memory_bytes=512 * MIB)
    monkeypatch.setattr(compiling, "LIMITS", short)
    with pytest.raises(NotCompiled) as caught:
        build(language, source)
    said = str(caught.value)
    assert says in said
    assert len(said) <= MOST_SAID


JAVA_MAIN: Final = "public static void main(String[] args) { System.out.println(%s); }"
HONEST: list[tuple[LanguageName, str, str]] = [
    ("java", f"package a.b; public class Name {{ {JAVA_MAIN % 1} }}", "1"),
    ("java", f"class First {{}} class Second {{ {JAVA_MAIN % 1} }}", "1"),
    ("java", f"class Other {{ {JAVA_MAIN % 0} }} public class Pub {{ {JAVA_MAIN % 1} }}", "1"),
    ("java", f"class Other {{ {JAVA_MAIN % 0} }} class Main {{ {JAVA_MAIN % 1} }}", "1"),
    (
        "java",
        "import java.util.*; record Pair<A, B>(A a, B b) {} sealed interface S permits T {}\n"
        "record T(int v) implements S {} enum E { X, Y { int f() { return 2; } }; int f()"
        " { return 1; } }\n/* public class Not { */ // public class Nor {\n"
        "public class Äpfel { static <T extends Comparable<T>> T most(List<T> l)"
        " { return Collections.max(l); }\n"
        + JAVA_MAIN % 'new Pair<>(most(List.of(1, 3)), E.Y.f()).toString() + """\n  {\n"""'
        + "}",
        "Pair[a=3, b=2]  {\n",
    ),
    ("java", "interface Main { static void main(String... a) { System.out.println('é'); } }", "é"),
    (
        "cpp",
        "#include <bits/stdc++.h>\nusing namespace std; int main() { cout << gcd(4, 6); }",
        "2",
    ),
    (
        "go",
        'package main\nimport ("fmt"; "os"; "strings")\ntype T struct{ x int }\n'
        "func (t T) up() T { return T{t.x + 1} }\nfunc m[K int](k K) K { return k * 2 }\n"
        'func main() { defer os.Exit(0); fmt.Println(T{m(2)}.up(), strings.Repeat("ab", 2)) }',
        "{5} abab",
    ),
    (
        "rust",
        'fn main() { let caught = std::panic::catch_unwind(|| panic!()); println!("{}",'
        " caught.is_err()); }",
        "true",
    ),
    ("typescript", "const n: number = 'text'; enum E { A, B } console.log(n, E.B);", "text 1"),
    ("typescript", "import * as os from 'os'; let x!: string; console.log(typeof os, x)", "object"),
    (
        "typescript",
        "declare function require(n: string): any; console.log(!!require('fs'))",
        "true",
    ),
    ("javascript", "import fs from 'fs';\nconsole.log(await 5, typeof fs)", "5 object"),
    ("javascript", "const s = `\nimport x`;\nconsole.log(typeof require)", "function"),
    ("javascript", "console.log(require('fs').readFileSync('/dev/stdin', 'utf8').length)", "0"),
    ("bash", "set -euo pipefail; a=(3 1 2); printf '%s\\n' \"${a[@]}\" | sort | xargs", "1 2 3"),
    ("c", '#include <math.h>\n#include <stdio.h>\nint main(){printf("%.3f",pow(2,.5));}', "1.414"),
]


@pytest.mark.parametrize(("language", "source", "stdout"), HONEST, ids=range(len(HONEST)))
def test_what_people_write_is_understood(language: LanguageName, source: str, stdout: str) -> None:
    execution = _run(language, source)
    assert execution.outcome is None, execution.ending.stderr
    assert execution.ending.stdout.decode().strip("\n").startswith(stdout.strip("\n"))


NAMES: list[tuple[str, str, str]] = [
    ("", "Main.java", "Main"),
    ("class A {}", "Main.java", "A"),
    ('@X({"public class No {"}) final public class Yes { }', "Yes.java", "Yes"),
    ("class A { class B { static void main(String[] a) {} } }", "Main.java", "A"),
    ("class A { void f() { main(1); } } class B { static void main() {} }", "B.java", "B"),
    ("package p . q; class A { static void main(String[] a) {} }", "A.java", "p.q.A"),
    ("class A { char c = '\"'; } public enum B { X }", "B.java", "A"),
    (f"public class {'A' * 300} {{}}", "Main.java", "Main"),
    ("class A { /* unclosed", "Main.java", "A"),
]


@pytest.mark.parametrize(("source", "file", "main"), NAMES, ids=range(len(NAMES)))
def test_a_java_program_names_its_file_and_its_main_class(
    source: str, file: str, main: str
) -> None:
    assert java_names(source) == (file, main)


@pytest.mark.parametrize("text", ["/*", '"""', '"\\', "public class ", "{", "import x\n"])
def test_names_are_found_in_linear_time(text: str) -> None:
    for language in LANGUAGES.values():
        assert language.names_of(text * (200_000 // len(text))).file.startswith(("main", "Main"))


def test_time_for_another_language_is_scaled_by_what_was_measured() -> None:
    fast, slow = LANGUAGES["c"].cpu_multiple, LANGUAGES["python"].cpu_multiple
    assert scaled_cpu_s(2, language="python", calibrated_for="c") == 2 * slow / fast
    assert scaled_cpu_s(2, language="c", calibrated_for="python") == 2 * fast / slow
    assert scaled_cpu_s(2, language="java", calibrated_for="java") == 2


def test_what_a_runtime_needs_is_added_to_the_limits_of_the_task() -> None:
    _require("java")
    job = build("java", SAMPLES["java"].crash).job(stdin=b"", limits=LIMITS)
    needs = LANGUAGES["java"].needs
    assert job.limits.cpu_s == LIMITS.cpu_s + needs.cpu_s
    assert job.limits.processes == LIMITS.processes + needs.processes
    assert job.limits.memory_bytes > LIMITS.memory_bytes + needs.memory_mib * MIB
    assert job.limits.disk_bytes > LIMITS.disk_bytes
    assert f"-Xmx{LIMITS.memory_bytes // MIB}m" in job.argv
    assert job.limits.output_bytes == LIMITS.output_bytes
