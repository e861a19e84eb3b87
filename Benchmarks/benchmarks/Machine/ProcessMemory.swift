import Foundation
import MeteoRAKernels

/// Memory of this process and of the machine, as far as the system tells: Linux's /proc.
enum ProcessMemory {
  /// Most bytes that were resident at once, since the start or the last ``resetPeak()``.
  static var peak: Int? { field("VmHWM", of: "/proc/self/status") }

  /// Bytes that are resident.
  static var resident: Int? { field("VmRSS", of: "/proc/self/status") }

  /// Bytes that a new process could get without swapping.
  static var availableOnMachine: Int? { field("MemAvailable", of: "/proc/meminfo") }

  /// Lets ``peak`` begin anew; whether the system does that.
  static func resetPeak() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    defer { try? file.close() }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  /// Bytes that become resident while `body` runs, at the worst moment.
  static func extra(_ body: () throws -> Void) rethrows -> Int? {
    // What is free but kept, by us or by the allocator, would be used again, unseen.
    WorkingMemory.releaseUnused()
    trimAllocator()
    let isReset = resetPeak()
    let before = resident
    try body()
    guard isReset, let before, let peak else { return nil }
    return max(0, peak - before)
  }

  /// Gives free memory back to the system, where the C library can: glibc's `malloc_trim`, which
  /// its Swift module leaves out.
  private static func trimAllocator() {
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    let trim = unsafeBitCast(symbol, to: (@convention(c) (Int) -> CInt).self)
    _ = trim(0)
  }

  /// A line `name:  12345 kB`.
  private static func field(_ name: String, of path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    // A tab comes before a number of eight digits, spaces before a shorter one.
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
      .map { $0 << 10 }
  }
}
