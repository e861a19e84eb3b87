import MeteoRAMath
import Testing

/// Known answers are those of `python print_sample_order.py` in Fixtures/oracle.
@Suite("Random whole numbers")
struct RandomDrawTests {
  @Test(
    "a number comes from the first word that is small enough, over the ends of blocks",
    arguments: [
      (0, 2_145_690_129), (2, 1_779_617_763), (3, 1_508_644_118), (11, 82_120_107),
      (14, 892_165_392), (670, 412_684_852),
    ])
  func knownNumbers(index: UInt32, expected: UInt32) {
    let draw = RandomDraw(seed: 9, purpose: .order, epoch: 4)
    #expect(draw.number(below: 1 << 31 + 1, index: index) == expected)
  }

  @Test("a number is below its bound", arguments: [1, 2, 3, 7, 1 << 31, .max] as [UInt32])
  func staysBelow(bound: UInt32) {
    let draw = RandomDraw(seed: 1, purpose: .choice, epoch: 0)
    let numbers = (0..<300).map { draw.number(below: bound, index: $0) }
    #expect(numbers.allSatisfy { $0 < bound })
    if bound < 8 { #expect(Set(numbers).count == Int(bound)) }
  }

  @Test("small bounds are met equally often")
  func isFair() {
    let draw = RandomDraw(seed: 3, purpose: .order, epoch: 0)
    var counts = [0, 0, 0, 0, 0, 0]
    for index in 0..<UInt32(6000) { counts[Int(draw.number(below: 6, index: index))] += 1 }
    // Chi-square with 5 degrees of freedom: 20.5 is passed once in a thousand seeds.
    let statistic = counts.map { Double(($0 - 1000) * ($0 - 1000)) / 1000 }.reduce(0, +)
    #expect(statistic < 20.5)
  }

  @Test("seed, epoch, purpose and index each change the number")
  func dependsOnAll() {
    func number(_ seed: UInt64, _ purpose: RandomDraw.Purpose, _ epoch: UInt32, _ index: UInt32)
      -> UInt32
    {
      RandomDraw(seed: seed, purpose: purpose, epoch: epoch).number(below: .max, index: index)
    }
    let numbers = [
      number(0, .order, 0, 0), number(1, .order, 0, 0), number(1 << 32, .order, 0, 0),
      number(0, .choice, 0, 0), number(0, .order, 1, 0), number(0, .order, 0, 1),
    ]
    #expect(Set(numbers).count == numbers.count)
  }

  struct KnownOrder: Sendable {
    let seed: UInt64
    let epoch: UInt32
    let order: [UInt32]
  }

  static let knownOrders = [
    KnownOrder(seed: 0, epoch: 0, order: [0]),
    KnownOrder(seed: 0, epoch: 0, order: [0, 1]),
    KnownOrder(seed: 0, epoch: 0, order: [5, 3, 0, 1, 2, 6, 4]),
    KnownOrder(seed: 42, epoch: 0, order: [5, 4, 0, 1, 2, 7, 9, 3, 6, 8]),
    KnownOrder(seed: 42, epoch: 1, order: [4, 2, 7, 3, 9, 8, 5, 6, 1, 0]),
    KnownOrder(seed: 1 << 63 + 5, epoch: 3, order: [4, 5, 7, 2, 1, 6, 8, 0, 9, 3]),
    KnownOrder(seed: 42, epoch: .max, order: [7, 9, 2, 8, 5, 6, 3, 4, 1, 0]),
  ]

  @Test("a permutation is the known one", arguments: knownOrders)
  func knownPermutations(known: KnownOrder) {
    let draw = RandomDraw(seed: known.seed, purpose: .order, epoch: known.epoch)
    #expect(draw.permutation(known.order.count) == known.order)
  }

  @Test("a long permutation begins and ends as the known one")
  func longPermutation() {
    let order = RandomDraw(seed: 7, purpose: .order, epoch: 5).permutation(1000)
    #expect(order.prefix(5) == [344, 339, 67, 37, 70])
    #expect(order.suffix(5) == [502, 309, 443, 89, 990])
  }

  @Test("a permutation has every number once", arguments: [0, 1, 2, 3, 17, 128, 5000], 0..<5)
  func isPermutation(count: Int, seed: UInt64) {
    let order = RandomDraw(seed: seed, purpose: .order, epoch: 0).permutation(count)
    #expect(order.sorted() == Array(0..<UInt32(count)))
  }
}
