#include <algorithm>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>
using namespace std;
using ll = long long;

static ll next_of(ll x) { return x * 48271 % 2147483647; }

static ll loop(int n) {
    ll x = 1, total = 0;
    for (int i = 0; i < n; i++) {
        x = next_of(x);
        if (x % 3 == 0) total += x & 7;
    }
    return total;
}

static ll sieve(int n) {
    vector<char> composite(n + 1);
    ll count = 0;
    for (ll i = 2; i <= n; i++)
        if (!composite[i]) {
            count++;
            for (ll j = i * i; j <= n; j += i) composite[j] = 1;
        }
    return count;
}

static ll words(int n) {
    unordered_map<string, ll> counts;
    ll x = 1, total = 0;
    for (int i = 0; i < n; i++) {
        x = next_of(x);
        counts["k" + to_string(x % 5000)]++;
    }
    for (auto &[key, count] : counts) total += count * count;
    return total;
}

static ll order(int n) {
    vector<ll> values(n);
    ll x = 1, total = 0;
    for (auto &value : values) value = x = next_of(x);
    sort(values.begin(), values.end());
    for (int i = 0; i < n; i++) total += values[i] % 1000 * (i % 1000);
    return total;
}

int main() {
    string name;
    int n;
    cin >> name >> n;
    unordered_map<string, ll (*)(int)> all{{"loop", loop}, {"sieve", sieve}, {"words", words}, {"order", order}};
    cout << all[name](n) << endl;
}
