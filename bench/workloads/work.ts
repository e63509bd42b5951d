import { readFileSync } from "fs";

const next = (x: number): number => (x * 48271) % 2147483647;

function loop(n: number): number {
    let x = 1, total = 0;
    for (let i = 0; i < n; i++) {
        x = next(x);
        if (x % 3 === 0) total += x & 7;
    }
    return total;
}

function sieve(n: number): number {
    const composite = new Array(n + 1).fill(false);
    let count = 0;
    for (let i = 2; i <= n; i++) {
        if (composite[i]) continue;
        count++;
        for (let j = i * i; j <= n; j += i) composite[j] = true;
    }
    return count;
}

function words(n: number): number {
    const counts = new Map<string, number>();
    let x = 1, total = 0;
    for (let i = 0; i < n; i++) {
        x = next(x);
        const key = "k" + (x % 5000);
        counts.set(key, (counts.get(key) || 0) + 1);
    }
    for (const count of counts.values()) total += count * count;
    return total;
}

function order(n: number): number {
    const values: number[] = [];
    for (let i = 0, x = 1; i < n; i++) values.push((x = next(x)));
    values.sort((a, b) => a - b);
    return values.reduce((total, value, i) => total + (value % 1000) * (i % 1000), 0);
}

const [name, n]: string[] = readFileSync(0, "utf8").split(/\s+/);
const all: Record<string, (n: number) => number> = { loop, sieve, words, order };
console.log(all[name](Number(n)));
