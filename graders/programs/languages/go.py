"""Go, by its own compiler: the standard library, and neither modules nor cgo."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["GO"]

GO: Final = Language(
    name="go",
    tags=frozenset({"go", "golang"}),
    file="main.go",
    compile=(
        *("env", "CGO_ENABLED=0", "GOPROXY=off", "GOTOOLCHAIN=local", "GOMAXPROCS=4"),
        *("go", "build", "-ldflags=-s -w", "-o", "program", "main.go"),
    ),
    artifact="program",
    # So that garbage is collected before the limit is reached, and not killed for.
    run=("env", "GOMAXPROCS=4", "GOMEMLIMIT={memory_mib}MiB", "./program"),
    needs=Needs(cpu_s=0.02, processes=16, memory_mib=16),
    cpu_multiple=1.5,
    packages=("golang-go",),
    programs=("go",),
    version=("go", "version"),
    self_test="""\
package main
import ("bufio"; "fmt"; "os"; "sort"; "strings")
func main() {
    in, n, x, sum, seen := bufio.NewReader(os.Stdin), 0, 0, 0, map[int]bool{}
    for fmt.Fscan(in, &n); n > 0; n-- { fmt.Fscan(in, &x); sum += x; seen[x] = true }
    keys := []int{}
    for key := range seen { keys = append(keys, key) }
    sort.Ints(keys)
    fmt.Println(sum)
    fmt.Println(strings.Trim(fmt.Sprint(keys), "[]"))
}
""",
)
