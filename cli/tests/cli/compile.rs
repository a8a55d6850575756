//! `aiointernal compile`: the compiled engine for elsewhere.

use super::*;

fn compile(folder: &Path, options: &[&str]) -> Ran {
    aiointernal(&[&["compile", folder.to_str().unwrap()], options].concat())
}

#[test]
fn each_configuration_has_a_file_of_its_own_that_is_made_once() {
    let home = Folder::new();
    let folder = home.0.join("of/code");
    for options in [&[][..], &["--fuel"], &["--epochs"], &["--fuel", "--epochs"], &[]] {
        compile(&folder, options).prints("");
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, if cfg!(all(target_os = "linux", target_arch = "x86_64")) { 4 } else { 2 });
}

#[test]
fn a_damaged_file_is_replaced() {
    let home = Folder::new();
    let folder = home.0.join("code");
    compile(&folder, &[]).prints("");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    compile(&folder, &[]).prints("");
    assert!(fs::read(&file).unwrap() == whole, "the file is as it was");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_used_is_an_error_whatever_is_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Folder::with_file("file", "in the way");
    compile(&home.0.join("file"), &[]).fails_saying(2, &["io: ", "compiled code cannot be left in", "file"]);
    let open = home.0.join("open");
    fs::create_dir(&open).unwrap();
    fs::write(open.join("old.cwasm"), "of another version").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    compile(&open, &[]).fails_saying(2, &["others than this user may write it"]);
    assert_eq!(fs::read_dir(&open).unwrap().count(), 1);
}
