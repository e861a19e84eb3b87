import Dispatch
import Foundation
import MeteoRASafetensors

/// Turns SIGINT, SIGTERM and SIGHUP into an ``Interruption``. A process that nobody ends gracefully
/// ends here, without the temporary files that it has begun.
package final class SignalWatcher {
  private var sources: [any DispatchSourceSignal] = []

  package init(_ interruption: Interruption) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // A shell starts background jobs with SIGINT ignored, nohup with SIGHUP; that is to stay so.
      if SignalWatcher.isIgnored(number) { continue }
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if interruption.request(exitCode: 128 + number) { return }
        TemporaryPaths.shared.removeAll { _exit(128 + number) }
      }
      source.resume()
      sources.append(source)
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    let old = signal(number, SIG_IGN)
    if unsafeBitCast(old, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { return true }
    signal(number, old)
    return false
  }
}
