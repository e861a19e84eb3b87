import Foundation

/// What the times were taken on.
struct Machine: Codable, Equatable, CustomStringConvertible {
  var kind = "machine"
  var cpu = Self.cpuName ?? "unknown CPU"
  var cores = ProcessInfo.processInfo.activeProcessorCount
  var system = ProcessInfo.processInfo.operatingSystemVersionString
  var compiler = Self.compilerVersion
  var build = Self.buildName
  var threads: Int
  /// Runnable processes of the last minute, on average, when the run began; `nil` where the
  /// system does not tell.
  var load = Self.loadAverage

  init(threads: Int) {
    self.threads = threads
  }

  var description: String {
    "\(cpu), \(cores) core\(cores == 1 ? "" : "s")"
      + (load.map { String(format: ", load %.2f", $0) } ?? "") + "\n"
      + "\(system), \(compiler), \(build) build, \(threads) thread\(threads == 1 ? "" : "s")"
  }

  static var loadAverage: Double? {
    var loads = [0.0]
    return getloadavg(&loads, 1) == 1 ? loads[0] : nil
  }

  private static var buildName: String {
    #if DEBUG
      "debug"
    #else
      "release"
    #endif
  }

  /// The compiler of this binary, as near as it can tell while it compiles.
  private static var compilerVersion: String {
    #if compiler(>=6.5)
      "Swift 6.5 or later"
    #elseif compiler(>=6.4)
      "Swift 6.4"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #else
      "Swift 6.2"
    #endif
  }

  private static var cpuName: String? {
    #if canImport(Darwin)
      var size = 0
      let key = "machdep.cpu.brand_string"
      guard sysctlbyname(key, nil, &size, nil, 0) == 0 else { return nil }
      var bytes = [UInt8](repeating: 0, count: size)
      guard sysctlbyname(key, &bytes, &size, nil, 0) == 0 else { return nil }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    #else
      // ARM kernels give no name, only the numbers of implementer and part.
      let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      let line = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
      let name = line?.split(separator: ":", maxSplits: 1).last
      return name?.trimmingCharacters(in: .whitespaces)
    #endif
  }
}
