"""TypeScript: its types are taken out, unread, and Node.js runs the rest."""

from __future__ import annotations

from typing import Final

from graders.programs.languages.contract import Language, Needs
from graders.programs.languages.javascript import NODE

__all__ = ["TYPESCRIPT"]

# By the compiler's own library, which lies beside `tsc`, else by a Node.js that can do it itself.
_TRANSPILE: Final = b"""\
"use strict";
const fs = require("fs"), path = require("path"), vm = require("vm");
const nodeModule = require("module");
const fail = (text, status) => { console.error(text); process.exit(status); };
const source = fs.readFileSync("main.ts", "utf8");
const tsc = process.env.PATH.split(":").map((folder) => folder + "/tsc").find(fs.existsSync);
const ts = tsc && require(path.join(fs.realpathSync(tsc), "../../lib/typescript.js"));

function byCompiler() {
    const compilerOptions = {
        target: "es2020", module: "commonjs", esModuleInterop: true, newLine: "lf",
        experimentalDecorators: true, emitDecoratorMetadata: true,
    };
    const made = ts.transpileModule(source, {
        compilerOptions, fileName: "main.ts", reportDiagnostics: true,
    });
    if (made.diagnostics.length) fail(made.diagnostics.map(described).join("\\n"), 1);
    return wrapped(made.outputText);
}

function described({ file, start, messageText }) {
    const text = ts.flattenDiagnosticMessageText(messageText, "\\n");
    return file ? `main.ts:${file.getLineAndCharacterOfPosition(start).line + 1}: ${text}` : text;
}

function wrapped(text) {
    // Only a function may wait: what waits outside of any is put into one.
    const isValid = (code) => {
        try { vm.compileFunction(code, ["exports", "require", "module"]); return true; }
        catch { return false; }
    };
    const waiting = `(async () => {${text}\\n})();\\n`;
    return !isValid(text) && isValid(waiting) ? waiting : text;
}

function byNode() {
    try { return nodeModule.stripTypeScriptTypes(source, { mode: "transform" }); }
    catch (error) { fail(`main.ts: ${error.message}`, 1); }
}

if (!ts && !nodeModule.stripTypeScriptTypes) {
    fail("there is no tsc, and this node does not strip types by itself", 127);
}
fs.writeFileSync("main.js", ts ? byCompiler() : byNode());
"""
_VERSION: Final = """\
if said=$(tsc --version); then echo "TypeScript ${said#Version }"
else echo "Node.js $(node --version)"; fi
"""

TYPESCRIPT: Final = Language(
    name="typescript",
    tags=frozenset({"typescript", "ts", "mts", "cts", "deno"}),
    file="main.ts",
    compile=("node", "--no-warnings", "--stack-size=200000", "transpile.js"),
    artifact="main.js",
    tools={"transpile.js": _TRANSPILE},
    run=(*NODE, "main.js"),
    needs=Needs(cpu_s=0.15, processes=16, memory_mib=64),
    cpu_multiple=6,
    packages=("nodejs", "node-typescript"),
    programs=("node",),
    version=("sh", "-c", _VERSION),
    self_test="""\
import * as fs from "fs";
const words: string[] = fs.readFileSync(0, "utf8").split(/\\s+/).filter(Boolean);
const numbers = words.slice(1).map(Number);
console.log(numbers.reduce((a: number, b: number): number => a + b, 0));
console.log([...new Set<number>(numbers)].sort((a, b) => a - b).join(" "));
""",
)
