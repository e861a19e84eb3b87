import Foundation
import MeteoRAKernels

/// What the machine can do at most, measured here and now: the yardstick of every row.
///
/// Neighbours of a virtual machine move the bandwidth, so it is measured in the same process,
/// before the rows and after them.
struct MachinePeak: Codable, Equatable {
  var kind = "peak"
  /// "before" the rows or "after" them.
  var moment: String
  var threads: Int
  /// binary32 operations of fused multiply-adds, two each; the best of some passes, in 10⁹/s.
  var gflops: Double
  /// The median of those passes.
  var medianGflops: Double
  /// Bytes read from a buffer far above the last-level cache; the best of some passes, in 10⁹/s.
  var gigabytesPerSecond: Double
  /// The median of those passes.
  var medianGigabytesPerSecond: Double
  /// See ``Machine/load``.
  var load = Machine.loadAverage
  /// Cores that others kept busy, on average, from the beginning of the run to this moment.
  var coresOfOthers: Double?

  /// Whether others used so much of the machine that times say little.
  var isDisturbed: Bool { (coresOfOthers ?? 0) > 0.1 }

  private static let passes = 9

  /// Measures with each of these numbers of threads.
  static func measure(_ moment: String, with threads: [Parallelism]) -> [MachinePeak] {
    // Given back at once: it would stand in the way of large models.
    let buffer = ReadBuffer()
    return threads.map { MachinePeak(moment, parallelism: $0, buffer: buffer) }
  }

  private init(_ moment: String, parallelism: Parallelism, buffer: ReadBuffer) {
    self.moment = moment
    threads = parallelism.threads
    let rounds = Self.roundsOfTenMilliseconds()
    let arithmetic = Self.rates(of: Double(threads * rounds * MultiplyAddChains.operations)) {
      parallelism.forEachRange(of: parallelism.threads) { range in
        for _ in range { MultiplyAddChains.run(rounds: rounds) }
      }
    }
    let reading = Self.rates(of: Double(buffer.byteCount)) { buffer.read(parallelism) }
    (gflops, medianGflops) = (arithmetic[Self.passes - 1], arithmetic[Self.passes / 2])
    (gigabytesPerSecond, medianGigabytesPerSecond) =
      (reading[Self.passes - 1], reading[Self.passes / 2])
  }

  var text: String {
    "peak \(moment.padded(to: 7)) \(threads) thread\(threads == 1 ? " " : "s")"
      + String(
        format: "%9.1f GFLOP/s (median %.1f) %7.1f GB/s (median %.1f)", gflops, medianGflops,
        gigabytesPerSecond, medianGigabytesPerSecond)
      + (load.map { String(format: ", load %.2f", $0) } ?? "")
      + (coresOfOthers.map { String(format: ", others used %.2f cores", $0) } ?? "")
  }

  /// Rates of every pass in 10⁹/s, ascending, after one to warm up.
  private static func rates(of count: Double, _ pass: () -> Void) -> [Double] {
    pass()
    return (0..<passes).map { _ in count / Timing.seconds(pass) / 1e9 }.sorted()
  }

  private static func roundsOfTenMilliseconds() -> Int {
    var rounds = 1 << 10
    while Timing.seconds({ MultiplyAddChains.run(rounds: rounds) }) < 0.01 { rounds *= 2 }
    return rounds
  }
}

/// Fused multiply-adds that wait for nothing but themselves.
enum MultiplyAddChains {
  /// Operations of a round: sixteen chains of sixteen lanes, two operations each. Two units with a
  /// latency of four cycles need eight chains.
  static let operations = 16 * 16 * 2

  @inline(never)
  static func run(rounds: Int) {
    // Unknown to the compiler, so that nothing is computed ahead; the chains stay near 1.
    let addend = SIMD16<Float>(repeating: Float(rounds & 1) + 0.5)
    let factor = SIMD16<Float>(repeating: 0.5)
    var (a, b, c, d) = (addend, addend, addend, addend)
    var (e, f, g, h) = (addend, addend, addend, addend)
    var (i, j, k, l) = (addend, addend, addend, addend)
    var (m, n, o, p) = (addend, addend, addend, addend)
    // Sixteen different chains: equal ones would be merged.
    (b[0], c[0], d[0], e[0], f[0], g[0], h[0]) = (1, 2, 3, 4, 5, 6, 7)
    (i[0], j[0], k[0], l[0], m[0], n[0], o[0], p[0]) = (8, 9, 10, 11, 12, 13, 14, 15)
    for _ in 0..<rounds {
      a = addend.addingProduct(a, factor)
      b = addend.addingProduct(b, factor)
      c = addend.addingProduct(c, factor)
      d = addend.addingProduct(d, factor)
      e = addend.addingProduct(e, factor)
      f = addend.addingProduct(f, factor)
      g = addend.addingProduct(g, factor)
      h = addend.addingProduct(h, factor)
      i = addend.addingProduct(i, factor)
      j = addend.addingProduct(j, factor)
      k = addend.addingProduct(k, factor)
      l = addend.addingProduct(l, factor)
      m = addend.addingProduct(m, factor)
      n = addend.addingProduct(n, factor)
      o = addend.addingProduct(o, factor)
      p = addend.addingProduct(p, factor)
    }
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l)) + ((m + n) + (o + p))
    keep(sum)
  }
}

/// Memory far above the last-level cache.
final class ReadBuffer {
  let byteCount = 512 << 20
  private let start: UnsafeMutableRawPointer

  init() {
    start = .allocate(byteCount: byteCount, alignment: 64)
    start.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
  }

  deinit {
    start.deallocate()
  }

  /// Reads all of it once; every thread its own part, in order.
  func read(_ parallelism: Parallelism) {
    let vectors = UnsafePointer(start.assumingMemoryBound(to: SIMD16<UInt32>.self))
    let count = byteCount / MemoryLayout<SIMD16<UInt32>>.stride
    parallelism.forEachRange(of: count) { range in
      Self.sum(vectors + range.lowerBound, count: range.count)
    }
  }

  @inline(never)
  private static func sum(_ vectors: UnsafePointer<SIMD16<UInt32>>, count: Int) {
    var (a, b) = (SIMD16<UInt32>(), SIMD16<UInt32>())
    var (c, d) = (SIMD16<UInt32>(), SIMD16<UInt32>())
    for index in stride(from: 0, to: count - 3, by: 4) {
      a ^= vectors[index]
      b ^= vectors[index + 1]
      c ^= vectors[index + 2]
      d ^= vectors[index + 3]
    }
    keep(a ^ b ^ c ^ d)
  }
}

/// Makes a value count as used, so that its computation is not dropped: the compiler cannot know
/// that the system writes nothing to a file that is not there.
@inline(never)
func keep<Value: BitwiseCopyable>(_ value: Value) {
  withUnsafeBytes(of: value) { _ = write(-1, $0.baseAddress, $0.count) }
}
