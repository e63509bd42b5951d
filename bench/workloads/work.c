#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t next(int64_t x) { return x * 48271 % 2147483647; }

static int64_t loop(int n) {
    int64_t x = 1, total = 0;
    for (int i = 0; i < n; i++) {
        x = next(x);
        if (x % 3 == 0) total += x & 7;
    }
    return total;
}

static int64_t sieve(int n) {
    char *composite = calloc(n + 1, 1);
    int64_t count = 0;
    for (int64_t i = 2; i <= n; i++)
        if (!composite[i]) {
            count++;
            for (int64_t j = i * i; j <= n; j += i) composite[j] = 1;
        }
    return count;
}

struct entry { char *key; int64_t count; };
static struct entry table[1 << 14];

static struct entry *find(const char *key) {
    uint64_t hash = 14695981039346656037u;
    for (const char *c = key; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    struct entry *at = table + hash % (1 << 14);
    while (at->key && strcmp(at->key, key))
        if (++at == table + (1 << 14)) at = table;
    if (!at->key) at->key = strdup(key);
    return at;
}

static int64_t words(int n) {
    int64_t x = 1, total = 0;
    for (int i = 0; i < n; i++) {
        char key[32];
        x = next(x);
        snprintf(key, sizeof key, "k%d", (int)(x % 5000));
        find(key)->count++;
    }
    for (int i = 0; i < 1 << 14; i++) total += table[i].count * table[i].count;
    return total;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t order(int n) {
    int64_t *values = malloc(n * sizeof *values), x = 1, total = 0;
    for (int i = 0; i < n; i++) values[i] = x = next(x);
    qsort(values, n, sizeof *values, by_value);
    for (int i = 0; i < n; i++) total += values[i] % 1000 * (i % 1000);
    return total;
}

int main(void) {
    char name[16];
    int n;
    if (scanf("%15s %d", name, &n) != 2) return 1;
    int64_t result = name[0] == 'l' ? loop(n) : name[0] == 's' ? sieve(n) : name[0] == 'w' ? words(n) : order(n);
    printf("%lld\n", (long long)result);
}
