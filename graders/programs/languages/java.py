"""Java, by a JDK: one source file of any number of classes, packed into one archive."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs
from graders.programs.languages.java_names import java_names

__all__ = ["JAVA"]

# Threads and their stacks by what a program asks for, not by how many cores a host has.
_MODEST: Final = ("-XX:+UseSerialGC", "-XX:ActiveProcessorCount=2", "-XX:-UsePerfData")
# javac is gone before the second tier of compilation has paid.
_BRIEF: Final = " ".join(
    f"-J{option}" for option in (*_MODEST, "-XX:TieredStopAtLevel=1", "-Xss256m")
)
_COMPILE: Final = f"""\
mkdir classes && javac {_BRIEF} -encoding UTF-8 -proc:none -nowarn -g:none -d classes *.java &&
exec tar -b 1 -cf program.tar -C classes .
"""

JAVA: Final = Language(
    name="java",
    tags=frozenset({"java", "java8", "java11", "java17", "java21", "jdk"}),
    file="Main.java",
    names=java_names,
    compile=("sh", "-c", _COMPILE),
    artifact="program.tar",
    run=(
        *("sh", "-c", 'tar -xf program.tar && exec java "$@"', "java"),
        *(*_MODEST, "-Xmx{memory_mib}m", "-Xss256m", "-Dfile.encoding=UTF-8"),
        # A heap that is full fills the box, too: the sandbox then says that it was memory.
        "-XX:OnOutOfMemoryError=tail /dev/zero",
        *("-cp", ".", "{main}"),
    ),
    needs=Needs(cpu_s=0.4, processes=32, memory_mib=128, inodes=4_096),
    cpu_multiple=3,
    packages=("default-jdk-headless",),
    programs=("javac", "java", "tar"),
    version=("java", "-version"),
    self_test="""\
import java.util.*;
public class SelfTest {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        Set<Integer> seen = new TreeSet<>();
        int sum = 0;
        for (int n = in.nextInt(); n > 0; n--) { int x = in.nextInt(); sum += x; seen.add(x); }
        System.out.println(sum);
        System.out.println(seen.toString().replaceAll("[^-0-9 ]", ""));
    }
}
""",
)
