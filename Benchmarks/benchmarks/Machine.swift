import Foundation

/// What the times were taken on.
struct Machine: Encodable, CustomStringConvertible {
  let cpu = Self.cpuName ?? "unknown CPU"
  let cores = ProcessInfo.processInfo.activeProcessorCount
  let system = ProcessInfo.processInfo.operatingSystemVersionString
  let compiler = Self.compilerVersion
  let build = Self.buildName
  let threads: Int

  init(threads: Int) {
    self.threads = threads
  }

  var description: String {
    "\(cpu), \(cores) core\(cores == 1 ? "" : "s")\n"
      + "\(system), \(compiler), \(build) build, \(threads) thread\(threads == 1 ? "" : "s")"
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
