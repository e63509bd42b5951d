import java.util.*;

public class Work {
    static long next(long x) { return x * 48271 % 2147483647; }

    static long loop(int n) {
        long x = 1, total = 0;
        for (int i = 0; i < n; i++) {
            x = next(x);
            if (x % 3 == 0) total += x & 7;
        }
        return total;
    }

    static long sieve(int n) {
        boolean[] composite = new boolean[n + 1];
        long count = 0;
        for (int i = 2; i <= n; i++) {
            if (composite[i]) continue;
            count++;
            for (long j = (long) i * i; j <= n; j += i) composite[(int) j] = true;
        }
        return count;
    }

    static long words(int n) {
        Map<String, Integer> counts = new HashMap<>();
        long x = 1, total = 0;
        for (int i = 0; i < n; i++) {
            x = next(x);
            counts.merge("k" + x % 5000, 1, Integer::sum);
        }
        for (long count : counts.values()) total += count * count;
        return total;
    }

    static long order(int n) {
        List<Long> values = new ArrayList<>();
        long x = 1, total = 0;
        for (int i = 0; i < n; i++) values.add(x = next(x));
        Collections.sort(values);
        for (int i = 0; i < n; i++) total += values.get(i) % 1000 * (i % 1000);
        return total;
    }

    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        String name = in.next();
        int n = in.nextInt();
        System.out.println(switch (name) {
            case "loop" -> loop(n);
            case "sieve" -> sieve(n);
            case "words" -> words(n);
            default -> order(n);
        });
    }
}
