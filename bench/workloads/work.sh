# Every number of the sequence, one a line.
numbers() {
    local x=1 i
    for ((i = 0; i < $1; i++)); do
        ((x = x * 48271 % 2147483647))
        echo "$x"
    done
}

loop() {
    local x=1 total=0 i
    for ((i = 0; i < $1; i++)); do
        ((x = x * 48271 % 2147483647))
        if ((x % 3 == 0)); then ((total += x & 7)); fi
    done
    echo "$total"
}

sieve() {
    local -a composite
    local count=0 i j
    for ((i = 2; i <= $1; i++)); do
        if [[ -z ${composite[i]} ]]; then
            ((count++))
            for ((j = i * i; j <= $1; j += i)); do composite[j]=1; done
        fi
    done
    echo "$count"
}

words() {
    local -A counts
    local x=1 total=0 i key
    for ((i = 0; i < $1; i++)); do
        ((x = x * 48271 % 2147483647))
        key=k$((x % 5000))
        ((counts[$key]++))
    done
    for i in "${counts[@]}"; do ((total += i * i)); done
    echo "$total"
}

order() {
    local i=0 total=0 value
    while read -r value; do
        ((total += value % 1000 * (i % 1000), i++))
    done < <(numbers "$1" | sort -n)
    echo "$total"
}

read -r name n
"$name" "$n"
