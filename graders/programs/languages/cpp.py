"""C++, by GCC."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["CPP"]

CPP: Final = Language(
    name="cpp",
    tags=frozenset({"cpp", "c++", "cc", "cxx", "c++11", "c++14", "c++17", "c++20", "cpp17"}),
    file="main.cpp",
    compile=(
        *("g++", "-O2", "-std=gnu++20", "-w", "-fmax-errors=20", "-pthread"),
        *("-o", "program", "main.cpp"),
    ),
    artifact="program",
    run=("./program",),
    needs=Needs(cpu_s=0.01),
    cpu_multiple=1,
    packages=("g++",),
    programs=("g++",),
    version=("g++", "--version"),
    self_test="""\
#include <iostream>
#include <set>
int main() {
    int n, x, sum = 0;
    std::cin >> n;
    std::set<int> seen;
    while (std::cin >> x) sum += x, seen.insert(x);
    std::cout << sum << '\\n';
    for (int y : seen) std::cout << (y == *seen.begin() ? "" : " ") << y;
    std::cout << std::endl;
}
""",
)
