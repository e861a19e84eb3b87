"""Prints the orders of samples, the choices and the numbers that the tests of training data hold.

    python print_sample_order.py        (pip install -r requirements-numpy.txt; Python 3.11)

A number below `bound` is the first word below the largest multiple of `bound` up to 2^32, modulo
`bound`; the words are those of Philox4x32-10 with key (seed mod 2^32, seed / 2^32) and counter
(index, epoch, block, purpose), in the order c[0] ... c[3], block 0, 1, ...
"""

from itertools import count

from sampling import philox

ORDER, CHOICE = 1, 2


def words(seed, index, epoch, purpose):
    for block in count():
        key = (seed % 2**32, seed >> 32)
        for word in philox((index, epoch, block, purpose), key):
            yield int(word)


def below(bound, seed, index, epoch, purpose):
    """The number, and how many words were left out for it."""
    limit = 2**32 - 2**32 % bound
    for rejected, word in enumerate(words(seed, index, epoch, purpose)):
        if word < limit:
            return word % bound, rejected


def permutation(size, seed, epoch, purpose):
    numbers = list(range(size))
    for i in reversed(range(1, size)):
        j, _ = below(i + 1, seed, i, epoch, purpose)
        numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers


def main():
    for size, seed, epoch in [(1, 0, 0), (2, 0, 0), (2, 0, 1), (7, 0, 0), (10, 42, 0), (10, 42, 1),
                              (10, 2**63 + 5, 3), (10, 42, 2**32 - 1)]:  # fmt: skip
        print(f"order of {size}, seed {seed}, epoch {epoch}:", permutation(size, seed, epoch, ORDER))
    long = permutation(1000, 7, 5, ORDER)
    print("order of 1000, seed 7, epoch 5, first and last five:", long[:5], long[-5:])
    for amount, size, seed in [(3, 10, 42), (5, 12, 3), (9, 7, 0)]:
        chosen = sorted(permutation(size, seed, 0, CHOICE)[:amount])
        print(f"choice of {amount} of {size}, seed {seed}:", chosen)
    # Half of all words are too large for this bound: some numbers take several blocks.
    bound, seen = 2**31 + 1, set()
    for index in count():
        number, rejected = below(bound, 9, index, 4, ORDER)
        if rejected not in seen and rejected in (0, 1, 2, 3, 4, 8):
            seen.add(rejected)
            print(f"below {bound}, seed 9, epoch 4, index {index}: {number} after {rejected} words")
        if len(seen) == 6:
            return


if __name__ == "__main__":
    main()
