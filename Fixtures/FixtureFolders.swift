import Foundation

/// The golden vectors that ship with the package: bit patterns and truths made by independent
/// oracles (`Fixtures/oracle`), listed in `manifest.json`.
public enum GoldenPack {
  /// The folder that holds `manifest.json`; `nil` if the package's resources are not beside the
  /// program.
  public static var directory: URL? { resource("golden") }
}

/// The small MeteoRA bundle that `tiny-demo` runs.
public enum DemoBundle {
  /// The folder that holds `meteora.json`; `nil` if the package's resources are not beside the
  /// program.
  public static var directory: URL? { resource("demo") }
}

private func resource(_ name: String) -> URL? {
  Bundle.module.resourceURL?.appendingPathComponent(name, isDirectory: true)
}
