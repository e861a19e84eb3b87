import Foundation
import MeteoRACommandLine
import TinyTasks

/// `tiny-data`: everything that the trained bundle is made from, out of one seed. What it does is in
/// `TinyTasks`, where tests reach it.
@main
struct TinyData {
  static func main() {
    // Nothing is to be left of a folder that is not complete.
    let signals = SignalWatcher(Interruption())
    defer { withExtendedLifetime(signals) {} }
    do {
      switch try TinyDataOptions(Array(CommandLine.arguments.dropFirst())) {
      case .help:
        try FileHandle.standardOutput.write(contentsOf: Data(TinyDataOptions.usage.utf8))
      case .write(let output, let seed):
        try TinyDataFolder.write(to: URL(fileURLWithPath: output), seed: seed)
      }
    } catch {
      // With nowhere to write to, the exit code is all there is to say.
      try? FileHandle.standardError.write(contentsOf: Data("tiny-data: \(error)\n".utf8))
      exit(error is TinyDataUsageError ? EX_USAGE : 1)
    }
  }
}
