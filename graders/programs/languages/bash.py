"""Bash, with what a minimal Debian has."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs

__all__ = ["BASH"]

BASH: Final = Language(
    name="bash",
    tags=frozenset({"bash", "sh", "shell", "shellscript", "zsh"}),
    file="main.sh",
    run=("bash", "main.sh"),
    needs=Needs(cpu_s=0.05, processes=8, memory_mib=8),
    cpu_multiple=400,
    packages=("bash",),
    programs=("bash",),
    version=("bash", "--version"),
    self_test="""\
read -r n
declare -A seen
sum=0
for x in $(head -n 1); do ((sum += x)); seen[$x]=yes; done
echo "$sum"
printf '%s\\n' "${!seen[@]}" | sort -n | paste -sd ' '
""",
)
