/// The least that a computation asks of the machine.
struct Work {
  /// Useful binary32 operations; a fused multiply-add is two.
  var flops: Double
  /// Bytes that have to be read or written once.
  var bytes: Double
  /// Tokens that it brings forward, if that is how its speed is told.
  var tokens: Int?

  /// No computation at this peak takes fewer seconds: the longer of arithmetic and traffic.
  func roofline(at peak: MachinePeak) -> Double {
    max(flops / peak.gflops, bytes / peak.gigabytesPerSecond) / 1e9
  }
}
