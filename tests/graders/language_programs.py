"""Programs of every language that do one thing each, for the tests of what each ends as."""

from __future__ import annotations

from typing import Final, NamedTuple

from graders.programs.tasks import LanguageName

__all__ = ["SAMPLES", "Sample"]


class Sample(NamedTuple):
    """Programs of one language."""

    echo: str
    """Writes what it reads."""
    threads: str
    """Prints 4950, found by four threads or processes."""
    deep: str
    """Prints how deep it has recursed: as deep as one may in this language."""
    crash: str
    loop: str
    hog: str
    flood: str
    """Writes 10 MB."""
    broken: str
    """Does not compile, or does not run."""


_PYTHON: Final = Sample(
    echo="import sys\nsys.stdout.write(sys.stdin.read())",
    threads="""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda k: sum(range(k, 100, 4)), range(4))))
""",
    deep="""
import sys
sys.setrecursionlimit(10**6)
def d(n): return 0 if n == 0 else 1 + d(n - 1)
print(d(10000))
""",
    crash="raise ValueError('no')",
    loop="while True: pass",
    hog="a = []\nwhile True: a.append(bytearray(1 << 20))",
    flood="for _ in range(10): print('x' * 10**6)",
    broken="def f(:",
)

_C: Final = Sample(
    echo="#include <stdio.h>\nint main(){int c;while((c=getchar())!=EOF)putchar(c);}",
    threads="""
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
static atomic_int sum;
static void *add(void *k) { for (long i = (long)k; i < 100; i += 4) sum += i; return 0; }
int main(void) {
    pthread_t t[4];
    for (long k = 0; k < 4; k++) pthread_create(t + k, 0, add, (void *)k);
    for (int k = 0; k < 4; k++) pthread_join(t[k], 0);
    printf("%d\\n", sum);
}
""",
    deep="""
#include <stdio.h>
__attribute__((noinline)) static int d(int n) { volatile char pad[1000]; pad[0] = n;
    return n ? 1 + d(n - 1) + (pad[0] - (char)n) : 0; }
int main(void) { printf("%d\\n", d(100000)); }
""",
    crash="int main(){volatile int *p = 0; *p = 1;}",
    loop="int main(){for(volatile int i=0;;i++);}",
    hog="#include <stdlib.h>\n#include <string.h>\n"
    "int main(){for(;;)memset(malloc(1<<20),1,1<<20);}",
    flood="#include <stdio.h>\nint main(){for(int i=0;i<10000000;i++)putchar('x');}",
    broken="int main(){ return undeclared }",
)

_CPP: Final = Sample(
    echo="#include <iostream>\nint main(){std::cout<<std::cin.rdbuf();}",
    threads="""
#include <bits/stdc++.h>
int main() {
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 4; k++)
        threads.emplace_back([&, k] { for (int i = k; i < 100; i += 4) sum += i; });
    for (auto &t : threads) t.join();
    std::cout << sum << std::endl;
}
""",
    deep="""
#include <cstdio>
#include <functional>
int main() {
    std::function<int(int)> d = [&](int n) { return n ? 1 + d(n - 1) : 0; };
    std::printf("%d\\n", d(100000));
}
""",
    crash="#include <vector>\nint main(){std::vector<int> v; return v.at(3);}",
    loop="int main(){for(volatile int i=0;;i=i+1);}",
    hog="#include <vector>\n"
    "int main(){std::vector<std::vector<int>> v;for(;;)v.emplace_back(1<<18,1);}",
    flood='#include <iostream>\nint main(){for(int i=0;i<1000000;i++)std::cout<<"123456789\\n";}',
    broken='#include <vector>\nint main(){std::vector<int> v = "text"; v.none();}',
)

_JAVASCRIPT: Final = Sample(
    echo='process.stdout.write(require("fs").readFileSync(0, "utf8"));',
    threads="""
const { Worker } = require("worker_threads");
const code = `const { parentPort, workerData: k } = require("worker_threads");
    let sum = 0; for (let i = k; i < 100; i += 4) sum += i; parentPort.postMessage(sum);`;
const one = (k) => new Promise((done) =>
    new Worker(code, { eval: true, workerData: k }).on("message", done));
Promise.all([0, 1, 2, 3].map(one)).then((parts) => console.log(parts.reduce((a, b) => a + b)));
""",
    deep="const d = (n) => n === 0 ? 0 : 1 + d(n - 1);\nconsole.log(d(100000));",
    crash="null.x;",
    loop="for (;;);",
    hog="const a = []; for (;;) a.push(new Array(1e5).fill(a.length));",
    flood='for (let i = 0; i < 10; i++) process.stdout.write("x".repeat(1e6));',
    broken="const = 3;",
)

_TYPESCRIPT: Final = Sample(
    echo='import { readFileSync } from "fs";\n'
    'process.stdout.write(readFileSync(0, "utf8") as string);',
    threads="""
import { Worker } from "worker_threads";
const code: string = `const { parentPort, workerData: k } = require("worker_threads");
    let sum = 0; for (let i = k; i < 100; i += 4) sum += i; parentPort.postMessage(sum);`;
const one = (k: number): Promise<number> => new Promise((done) =>
    new Worker(code, { eval: true, workerData: k }).on("message", done));
const parts = await Promise.all([0, 1, 2, 3].map(one));
console.log(parts.reduce((a, b) => a + b));
""",
    deep="const d = (n: number): number => n === 0 ? 0 : 1 + d(n - 1);\nconsole.log(d(100000));",
    crash="(null as any).x;",
    loop="for (;;);",
    hog="const a: number[][] = []; for (;;) a.push(new Array(1e5).fill(a.length));",
    flood='for (let i = 0; i < 10; i++) process.stdout.write("x".repeat(1e6));',
    broken="const x: number = ;",
)

_JAVA: Final = Sample(
    echo="class Main { public static void main(String[] a) throws Exception {"
    " System.in.transferTo(System.out); System.out.flush(); } }",
    threads="""
import java.util.stream.*;
public class Main {
    static int sum = 0;
    static synchronized void add(int i) { sum += i; }
    public static void main(String[] args) throws InterruptedException {
        Thread[] threads = new Thread[4];
        for (int k = 0; k < 4; k++) {
            int from = k;
            threads[k] = new Thread(() -> { for (int i = from; i < 100; i += 4) add(i); });
            threads[k].start();
        }
        for (Thread t : threads) t.join();
        if (IntStream.range(0, 100).parallel().sum() == sum) System.out.println(sum);
    }
}
""",
    deep="""
public class Main {
    static int d(int n) { return n == 0 ? 0 : 1 + d(n - 1); }
    public static void main(String[] args) { System.out.println(d(100000)); }
}
""",
    crash="class Main { public static void main(String[] a) { int[] v = {}; v[3] = 1; } }",
    loop="class Main { public static void main(String[] a) { for (;;) ; } }",
    hog="import java.util.*; class Main { public static void main(String[] a) {"
    " List<long[]> l = new ArrayList<>(); for (;;) l.add(new long[1 << 17]); } }",
    flood="class Main { public static void main(String[] a) {"
    ' for (int i = 0; i < 10; i++) System.out.println("x".repeat(1000000)); } }',
    broken="class Main { public static void main(String[] a) { int x = undeclared } }",
)

_GO: Final = Sample(
    echo='package main\nimport ("io"; "os")\nfunc main() { io.Copy(os.Stdout, os.Stdin) }',
    threads="""
package main
import ("fmt"; "sync"; "sync/atomic")
func part(k int64, sum *int64, done *sync.WaitGroup) {
    defer done.Done()
    for i := k; i < 100; i += 4 { atomic.AddInt64(sum, i) }
}
func main() {
    var sum int64
    var done sync.WaitGroup
    for k := int64(0); k < 4; k++ { done.Add(1); go part(k, &sum, &done) }
    done.Wait()
    fmt.Println(sum)
}
""",
    deep='package main\nimport "fmt"\n'
    "func d(n int) int { if n == 0 { return 0 }; return 1 + d(n - 1) }\n"
    "func main() { fmt.Println(d(100000)) }",
    crash="package main\nfunc main() { var v []int; v[3] = 1 }",
    loop="package main\nfunc main() { for {} }",
    hog="package main\nfunc main() { var a [][]byte; for { b := make([]byte, 1 << 20);"
    " for i := range b { b[i] = 1 }; a = append(a, b) } }",
    flood='package main\nimport ("fmt"; "strings")\nfunc main() {'
    ' for i := 0; i < 10; i++ { fmt.Println(strings.Repeat("x", 1000000)) } }',
    broken="package main\nfunc main() { x := 3 }",
)

_RUST: Final = Sample(
    echo="fn main() { std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).unwrap(); }",
    threads="""
use std::thread;
fn main() {
    let part = |k: usize| (k..100).step_by(4).sum::<usize>();
    let threads: Vec<_> = (0..4).map(|k| thread::spawn(move || part(k))).collect();
    println!("{}", threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>());
}
""",
    deep="""
#[inline(never)]
fn d(n: u32, pad: &mut [u8; 500]) -> u32 {
    let mut own = *pad;
    own[n as usize % 500] += 1;
    if n == 0 { 0 } else { 1 + d(n - 1, &mut [1; 500]) + own[0] as u32 * 0 }
}
fn main() { println!("{}", d(100000, &mut [0; 500])); }
""",
    crash='fn main() { let v: Vec<i32> = vec![]; println!("{}", v[std::env::args().count()]); }',
    loop="fn main() { loop { std::hint::spin_loop() } }",
    hog="fn main() { let mut v = vec![]; loop { v.push(vec![1u8; 1 << 20]); } }",
    flood='fn main() { for _ in 0..10 { println!("{}", "x".repeat(1000000)); } }',
    broken='fn main() { let s = String::new(); drop(s); println!("{}", s); }',
)

_BASH: Final = Sample(
    echo="cat",
    threads="""
part() { s=0; for ((i = $1; i < 100; i += 4)); do ((s += i)); done; echo "$s"; }
for k in 0 1 2 3; do part $k & done | { t=0; while read -r s; do ((t += s)); done; echo $t; }
""",
    deep="d() { if (($1 > 0)); then d $(($1 - 1)); r=$((r + 1)); fi; }\nd 1000; echo $r",
    crash="set -e; false",
    loop="while :; do :; done",
    hog="a=x; while :; do a=$a$a; done",
    flood="head -c 10000000 /dev/zero",
    broken="if then fi",
)

SAMPLES: Final[dict[LanguageName, Sample]] = {
    "python": _PYTHON,
    "c": _C,
    "cpp": _CPP,
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "java": _JAVA,
    "go": _GO,
    "rust": _RUST,
    "bash": _BASH,
}
