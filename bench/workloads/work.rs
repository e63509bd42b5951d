use std::collections::HashMap;
use std::io::Read;

fn next(x: u64) -> u64 {
    x * 48271 % 2147483647
}

fn run_loop(n: usize) -> u64 {
    let (mut x, mut total) = (1, 0);
    for _ in 0..n {
        x = next(x);
        if x % 3 == 0 {
            total += x & 7;
        }
    }
    total
}

fn sieve(n: usize) -> u64 {
    let mut composite = vec![false; n + 1];
    let mut count = 0;
    for i in 2..=n {
        if !composite[i] {
            count += 1;
            let mut j = i * i;
            while j <= n {
                composite[j] = true;
                j += i;
            }
        }
    }
    count
}

fn words(n: usize) -> u64 {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut x = 1;
    for _ in 0..n {
        x = next(x);
        *counts.entry(format!("k{}", x % 5000)).or_insert(0) += 1;
    }
    counts.values().map(|count| count * count).sum()
}

fn order(n: usize) -> u64 {
    let mut x = 1;
    let mut values = Vec::new();
    for _ in 0..n {
        x = next(x);
        values.push(x);
    }
    values.sort();
    values.iter().enumerate().map(|(i, value)| value % 1000 * (i as u64 % 1000)).sum()
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let (name, n) = text.trim().split_once(' ').unwrap();
    let n = n.parse().unwrap();
    let result = match name {
        "loop" => run_loop(n),
        "sieve" => sieve(n),
        "words" => words(n),
        _ => order(n),
    };
    println!("{}", result);
}
