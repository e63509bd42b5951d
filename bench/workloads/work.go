package main

import (
	"fmt"
	"sort"
	"strconv"
)

func next(x int) int { return x * 48271 % 2147483647 }

func loop(n int) int {
	x, total := 1, 0
	for i := 0; i < n; i++ {
		x = next(x)
		if x%3 == 0 {
			total += x & 7
		}
	}
	return total
}

func sieve(n int) int {
	composite := make([]bool, n+1)
	count := 0
	for i := 2; i <= n; i++ {
		if !composite[i] {
			count++
			for j := i * i; j <= n; j += i {
				composite[j] = true
			}
		}
	}
	return count
}

func words(n int) int {
	counts := map[string]int{}
	x, total := 1, 0
	for i := 0; i < n; i++ {
		x = next(x)
		counts["k"+strconv.Itoa(x%5000)]++
	}
	for _, count := range counts {
		total += count * count
	}
	return total
}

func order(n int) int {
	values := []int{}
	x, total := 1, 0
	for i := 0; i < n; i++ {
		x = next(x)
		values = append(values, x)
	}
	sort.Ints(values)
	for i, value := range values {
		total += value % 1000 * (i % 1000)
	}
	return total
}

func main() {
	var name string
	var n int
	fmt.Scan(&name, &n)
	all := map[string]func(int) int{"loop": loop, "sieve": sieve, "words": words, "order": order}
	fmt.Println(all[name](n))
}
