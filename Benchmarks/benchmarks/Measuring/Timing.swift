import Foundation

/// How long a row may take.
struct TimeBudget: Equatable {
  /// Samples are taken until they took so long together.
  var seconds = 0.5
  /// The fewest samples.
  var fewest = 3
  /// The most samples.
  var most = 10_000
}

/// Wall-clock times of repeated runs.
struct Timing {
  /// Ascending.
  private let seconds: [Double]

  /// Runs `body` for a tenth of the budget to warm up, once at least, then until the budget is
  /// used.
  init(_ budget: TimeBudget = TimeBudget(), _ body: () throws -> Void) rethrows {
    var warmUp = 0.0
    repeat { warmUp += try Self.seconds(body) } while warmUp < budget.seconds / 10
    var samples: [Double] = []
    var total = 0.0
    while samples.count < budget.fewest || (total < budget.seconds && samples.count < budget.most) {
      let sample = try Self.seconds(body)
      samples.append(sample)
      total += sample
    }
    self.init(samples: samples)
  }

  /// - Parameter samples: In seconds, at least one.
  init(samples: [Double]) {
    seconds = samples.sorted()
  }

  /// The time of one run.
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .seconds(1)
  }

  /// The number of samples.
  var count: Int { seconds.count }

  /// The median, in seconds; of an even number of samples the mean of the two in the middle.
  var median: Double { (seconds[(seconds.count - 1) / 2] + seconds[seconds.count / 2]) / 2 }

  /// Half the distance between the quartiles, in seconds.
  var spread: Double { (seconds[seconds.count * 3 / 4] - seconds[seconds.count / 4]) / 2 }

  /// Billions a second of what a run does `count` times.
  func billions(_ count: Double) -> Double { count / median / 1e9 }
}
