import Foundation

/// Wall-clock times of repeated runs.
struct Timing {
  private var seconds: [Double] = []

  /// Runs `body` once to warm up, then until it took half a second, three times at least.
  init(_ body: () throws -> Void) rethrows {
    try body()
    let clock = ContinuousClock()
    while seconds.count < 3 || seconds.reduce(0, +) < 0.5 {
      let duration = try clock.measure(body)
      seconds.append(duration / .seconds(1))
    }
    seconds.sort()
  }

  /// The median, in seconds.
  var median: Double { seconds[seconds.count / 2] }

  /// Half the distance between the quartiles, in seconds.
  var spread: Double { (seconds[seconds.count * 3 / 4] - seconds[seconds.count / 4]) / 2 }

  /// Billions a second of what a run does `count` times.
  func billions(_ count: Double) -> Double { count / median / 1e9 }
}
