"""C, by GCC."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["C"]

C: Final = Language(
    name="c",
    tags=frozenset({"c", "c11", "c17", "c99"}),
    file="main.c",
    compile=(
        *("gcc", "-O2", "-std=gnu17", "-w", "-fmax-errors=20", "-pthread"),
        *("-o", "program", "main.c", "-lm"),
    ),
    artifact="program",
    run=("./program",),
    needs=Needs(cpu_s=0.01),
    cpu_multiple=1,
    packages=("gcc", "libc6-dev"),
    programs=("gcc",),
    version=("gcc", "--version"),
    self_test="""\
#include <stdio.h>
#include <stdlib.h>
static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
    int n, sum = 0, v[99];
    scanf("%d", &n);
    for (int i = 0; i < n; i++) scanf("%d", v + i), sum += v[i];
    qsort(v, n, sizeof *v, by_value);
    printf("%d\\n", sum);
    for (int i = 0; i < n; i++)
        if (!i || v[i] != v[i - 1]) printf(i ? " %d" : "%d", v[i]);
    puts("");
}
""",
)
