import Foundation

/// How much of the processors was used so far, by everybody and by this process: Linux's
/// /proc/stat.
///
/// The load that the system tells counts the benchmark itself and its turns of the last minute; the
/// difference of two of these tells what others did.
struct ProcessorUse {
  /// Seconds of all cores together, those that other virtual machines took included.
  private let busy: Double
  /// Seconds of this process and of those that it started and that have ended.
  private let own: Double
  private let moment = ContinuousClock.now

  /// `nil` where the system does not tell.
  init?() {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let line = text.split(separator: "\n").first, line.hasPrefix("cpu ")
    else { return nil }
    // user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen
    let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
    guard ticks.count == 8 else { return nil }
    busy = (ticks.reduce(0, +) - ticks[3] - ticks[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    var (ourselves, ended) = (rusage(), rusage())
    #if canImport(Glibc)
      let known =
        getrusage(RUSAGE_SELF.rawValue, &ourselves) == 0
        && getrusage(RUSAGE_CHILDREN.rawValue, &ended) == 0
    #else
      let known = false
    #endif
    guard known else { return nil }
    own = Self.seconds(ourselves) + Self.seconds(ended)
  }

  /// Cores that others kept busy between `start` and this moment, on average.
  func coresOfOthers(since start: ProcessorUse) -> Double {
    let seconds = (moment - start.moment) / .seconds(1)
    return max(0, (busy - start.busy) - (own - start.own)) / max(seconds, 1e-9)
  }

  private static func seconds(_ usage: rusage) -> Double {
    Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}
