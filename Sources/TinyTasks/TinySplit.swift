import MeteoRASafetensors

/// Whether an argument is for training or for tests, whatever the task.
///
/// An argument is held out if the SHA-256 of its UTF-8 bytes begins with a byte below 32: one of
/// eight is.
package enum TinySplit: Sendable {
  case training
  case heldOut

  /// The side on which an argument is.
  package init(of argument: String) {
    var argument = argument
    let digest = argument.withUTF8 { SHA256.hexDigest(of: UnsafeRawBufferPointer($0)) }
    // The first of two digits of the first byte.
    self = "01".utf8.contains { $0 == digest.utf8.first } ? .heldOut : .training
  }
}
