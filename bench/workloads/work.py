import sys
from collections.abc import Iterator


def numbers(n: int) -> Iterator[int]:
    x = 1
    for _ in range(n):
        x = x * 48271 % 2147483647
        yield x


def loop(n: int) -> int:
    x = 1
    total = 0
    for _ in range(n):
        x = x * 48271 % 2147483647
        if x % 3 == 0:
            total += x & 7
    return total


def sieve(n: int) -> int:
    composite = [False] * (n + 1)
    count = 0
    for i in range(2, n + 1):
        if not composite[i]:
            count += 1
            for j in range(i * i, n + 1, i):
                composite[j] = True
    return count


def words(n: int) -> int:
    counts: dict[str, int] = {}
    for x in numbers(n):
        key = "k" + str(x % 5000)
        counts[key] = counts.get(key, 0) + 1
    return sum(count * count for count in counts.values())


def order(n: int) -> int:
    values = sorted(numbers(n))
    return sum(value % 1000 * (i % 1000) for i, value in enumerate(values))


name, size = sys.stdin.read().split()
print({"loop": loop, "sieve": sieve, "words": words, "order": order}[name](int(size)))
