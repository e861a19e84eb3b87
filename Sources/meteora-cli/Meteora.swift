import Foundation
import MeteoRACommandLine

/// `meteora`: everything is in `MeteoRACommandLine`, where tests reach it.
@main
struct Meteora {
  static func main() {
    exit(MeteoraTool.runInProcess())
  }
}
