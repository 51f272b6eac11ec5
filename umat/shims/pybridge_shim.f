C     The one file that Abaqus compiles:
C        abaqus job=JOB user=pybridge_shim.f         (docs/abaqus.md)
C
C     It opens pybridge's prebuilt library by path and forwards the
C     calls. Folders are searched for the library in this order: the
C     environment variable PYBRIDGE_ABAQUS_DIR, the current folder, the
C     folder that `pybridge build abaqus` wrote.
C
C     vaba_param.inc tells the precision of Abaqus/Explicit; the library
C     of that precision is opened. nblock, lanneal and dt may be
C     the scalars of older hosts or the arrays of newer ones.
C
      subroutine vumat(nblock, ndir, nshr, nstatev, nfieldv, nprops,
     1  lanneal, stepTime, totalTime, dt, cmname, coordMp, charLength,
     2  props, density, strainInc, relSpinInc, tempOld, stretchOld,
     3  defgradOld, fieldOld, stressOld, stateOld, enerInternOld,
     4  enerInelasOld, tempNew, stretchNew, defgradNew, fieldNew,
     5  stressNew, stateNew, enerInternNew, enerInelasNew)
      use, intrinsic :: iso_c_binding
      use, intrinsic :: ieee_arithmetic
      include 'vaba_param.inc'
      parameter (a_real = 0)
      integer, parameter ::
     1  rk = merge(c_double, c_float, kind(a_real) .eq. c_double)
      character*80 cmname
      dimension nblock(*), lanneal(*), dt(*), coordMp(*),
     1  charLength(*), props(*), density(*), strainInc(*),
     2  relSpinInc(*), tempOld(*), stretchOld(*), defgradOld(*),
     3  fieldOld(*), stressOld(*), stateOld(*), enerInternOld(*),
     4  enerInelasOld(*), tempNew(*), stretchNew(*), defgradNew(*),
     5  fieldNew(*), stressNew(*), stateNew(*), enerInternNew(*),
     6  enerInelasNew(*)
      abstract interface
        subroutine vumat_c(a01, a02, a03, a04, a05, a06, a07, a08,
     1    a09, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20,
     2    a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32,
     3    a33) bind(c)
          import :: rk, c_int, c_char
          integer(c_int) :: a01(*), a02, a03, a04, a05, a06, a07(*)
          real(rk) :: a08, a09, a10(*)
          character(kind=c_char) :: a11(*)
          real(rk) :: a12(*), a13(*), a14(*), a15(*), a16(*), a17(*),
     1      a18(*), a19(*), a20(*), a21(*), a22(*), a23(*), a24(*),
     2      a25(*), a26(*), a27(*), a28(*), a29(*), a30(*), a31(*),
     3      a32(*), a33(*)
        end subroutine
      end interface
      interface
        type(c_funptr) function pybridge_entry(library, symbol)
          import :: c_funptr
          character(len=*) :: library, symbol
        end function
      end interface
      procedure(vumat_c), pointer, save :: vumat_f => null()
      character(len=17) :: file
      type(c_funptr) :: entry
      if (.not. associated(vumat_f)) then
        file = 'libexplicitU.so'
        if (rk .eq. 8) file = 'libexplicitU-D.so'
        entry = pybridge_entry(trim(file), 'vumat_')
        if (.not. c_associated(entry)) then
C         Not a number, which no host takes for an answer.
          do k = 1, nblock(1) * (ndir + nshr)
            stressNew(k) = ieee_value(stressNew(k), ieee_quiet_nan)
          end do
          return
        end if
        call c_f_procpointer(entry, vumat_f)
      end if
      call vumat_f(nblock, ndir, nshr, nstatev, nfieldv, nprops,
     1  lanneal, stepTime, totalTime, dt, cmname, coordMp, charLength,
     2  props, density, strainInc, relSpinInc, tempOld, stretchOld,
     3  defgradOld, fieldOld, stressOld, stateOld, enerInternOld,
     4  enerInelasOld, tempNew, stretchNew, defgradNew, fieldNew,
     5  stressNew, stateNew, enerInternNew, enerInelasNew)
      end subroutine vumat
C
      subroutine vexternaldb(lOp, i_Array, niArray, r_Array, nrArray)
      use, intrinsic :: iso_c_binding
      include 'vaba_param.inc'
      parameter (a_real = 0)
      integer, parameter ::
     1  rk = merge(c_double, c_float, kind(a_real) .eq. c_double)
      dimension i_Array(*), r_Array(*)
      abstract interface
        subroutine vexternaldb_c(a1, a2, a3, a4, a5) bind(c)
          import :: rk, c_int
          integer(c_int) :: a1, a2(*), a3, a5
          real(rk) :: a4(*)
        end subroutine
      end interface
      interface
        type(c_funptr) function pybridge_entry(library, symbol)
          import :: c_funptr
          character(len=*) :: library, symbol
        end function
      end interface
      procedure(vexternaldb_c), pointer, save :: vexternaldb_f => null()
      character(len=17) :: file
      type(c_funptr) :: entry
      if (.not. associated(vexternaldb_f)) then
        file = 'libexplicitU.so'
        if (rk .eq. 8) file = 'libexplicitU-D.so'
        entry = pybridge_entry(trim(file), 'vexternaldb_')
        if (.not. c_associated(entry)) return
        call c_f_procpointer(entry, vexternaldb_f)
      end if
      call vexternaldb_f(lOp, i_Array, niArray, r_Array, nrArray)
      end subroutine vexternaldb
C
      subroutine umat(stress, statev, ddsdde, sse, spd, scd, rpl,
     1  ddsddt, drplde, drpldt, stran, dstran, time, dtime, temp,
     2  dtemp, predef, dpred, cmname, ndi, nshr, ntens, nstatv, props,
     3  nprops, coords, drot, pnewdt, celent, dfgrd0, dfgrd1, noel,
     4  npt, layer, kspt, jstep, kinc)
      use, intrinsic :: iso_c_binding
      use, intrinsic :: ieee_arithmetic
      include 'aba_param.inc'
      character*80 cmname
      dimension stress(*), statev(*), ddsdde(*), ddsddt(*), drplde(*),
     1  stran(*), dstran(*), time(*), predef(*), dpred(*), props(*),
     2  coords(*), drot(*), dfgrd0(*), dfgrd1(*), jstep(*)
      abstract interface
        subroutine umat_c(a01, a02, a03, a04, a05, a06, a07, a08,
     1    a09, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20,
     2    a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32,
     3    a33, a34, a35, a36, a37) bind(c)
          import :: c_int, c_double, c_char
          real(c_double) :: a01(*), a02(*), a03(*), a04, a05, a06, a07,
     1      a08(*), a09(*), a10, a11(*), a12(*), a13(*), a14, a15, a16,
     2      a17(*), a18(*)
          character(kind=c_char) :: a19(*)
          integer(c_int) :: a20, a21, a22, a23, a25
          real(c_double) :: a24(*), a26(*), a27(*), a28, a29, a30(*),
     1      a31(*)
          integer(c_int) :: a32, a33, a34, a35, a36(*), a37
        end subroutine
      end interface
      interface
        type(c_funptr) function pybridge_entry(library, symbol)
          import :: c_funptr
          character(len=*) :: library, symbol
        end function
      end interface
      procedure(umat_c), pointer, save :: umat_f => null()
      type(c_funptr) :: entry
      if (.not. associated(umat_f)) then
        entry = pybridge_entry('libstandardU.so', 'umat_')
        if (.not. c_associated(entry)) then
          do k = 1, ntens
            stress(k) = ieee_value(stress(k), ieee_quiet_nan)
          end do
          return
        end if
        call c_f_procpointer(entry, umat_f)
      end if
      call umat_f(stress, statev, ddsdde, sse, spd, scd, rpl, ddsddt,
     1  drplde, drpldt, stran, dstran, time, dtime, temp, dtemp,
     2  predef, dpred, cmname, ndi, nshr, ntens, nstatv, props, nprops,
     3  coords, drot, pnewdt, celent, dfgrd0, dfgrd1, noel, npt, layer,
     4  kspt, jstep, kinc)
      end subroutine umat
C
      subroutine uexternaldb(lop, lrestart, time, dtime, kstep, kinc)
      use, intrinsic :: iso_c_binding
      include 'aba_param.inc'
      dimension time(*)
      abstract interface
        subroutine uexternaldb_c(a1, a2, a3, a4, a5, a6) bind(c)
          import :: c_int, c_double
          integer(c_int) :: a1, a2, a5, a6
          real(c_double) :: a3(*), a4
        end subroutine
      end interface
      interface
        type(c_funptr) function pybridge_entry(library, symbol)
          import :: c_funptr
          character(len=*) :: library, symbol
        end function
      end interface
      procedure(uexternaldb_c), pointer, save :: uexternaldb_f => null()
      type(c_funptr) :: entry
      if (.not. associated(uexternaldb_f)) then
        entry = pybridge_entry('libstandardU.so', 'uexternaldb_')
        if (.not. c_associated(entry)) return
        call c_f_procpointer(entry, uexternaldb_f)
      end if
      call uexternaldb_f(lop, lrestart, time, dtime, kstep, kinc)
      end subroutine uexternaldb
C
C     The function of that name in the library; null where there is
C     none, after the host was told.
      function pybridge_entry(library, symbol) result(entry)
      use, intrinsic :: iso_c_binding
      implicit none
      character(len=*) :: library, symbol
      type(c_funptr) :: entry
      character(len=*), parameter :: built = @PYBRIDGE_DIR_FORTRAN@
      integer(c_int), parameter :: now = 2
      character(len=1024) :: folders(3), path
      type(c_ptr) :: opened
      logical :: there
      integer :: k
      interface
        type(c_ptr) function open_c(path, mode) bind(c, name='dlopen')
          import :: c_ptr, c_char, c_int
          character(kind=c_char) :: path(*)
          integer(c_int), value :: mode
        end function
        type(c_funptr) function find_c(library, symbol)
     1      bind(c, name='dlsym')
          import :: c_ptr, c_funptr, c_char
          type(c_ptr), value :: library
          character(kind=c_char) :: symbol(*)
        end function
      end interface
      entry = c_null_funptr
      folders(1) = ' '
      call get_environment_variable('PYBRIDGE_ABAQUS_DIR', folders(1))
      folders(2) = '.'
      folders(3) = built
      do k = 1, 3
        if (folders(k) .eq. ' ') cycle
        path = trim(folders(k)) // '/' // library
        inquire(file=trim(path), exist=there)
        if (.not. there) cycle
        opened = open_c(trim(path) // c_null_char, now)
        if (c_associated(opened))
     1    entry = find_c(opened, symbol // c_null_char)
        if (.not. c_associated(entry)) call pybridge_stop(trim(path)
     1    // ' cannot be used: it does not open, or has no ' // symbol)
        return
      end do
      call pybridge_stop('no ' // library // ' in ' //
     1  'PYBRIDGE_ABAQUS_DIR (' // trim(folders(1)) // '), the ' //
     2  'current folder or ' // built // '; set that environment ' //
     3  'variable to the folder that `pybridge build abaqus` wrote')
      end function pybridge_entry
C
C     Standard error, the host's error routine and the host's exit;
C     returns in hosts that have none. Looked up at run time, so that
C     one file serves Abaqus/Standard and Abaqus/Explicit.
      subroutine pybridge_stop(text)
      use, intrinsic :: iso_c_binding
      use, intrinsic :: iso_fortran_env, only: error_unit
      implicit none
      character(len=*) :: text
      abstract interface
        subroutine leave_call() bind(c)
        end subroutine
        subroutine report_call(lop, message, i, r, c, n, m) bind(c)
          import :: c_int, c_double, c_char, c_size_t
          integer(c_int) :: lop, i(*)
          real(c_double) :: r(*)
          character(kind=c_char) :: message(*), c(*)
          integer(c_size_t), value :: n, m
        end subroutine
      end interface
      interface
        type(c_funptr) function find_c(library, symbol)
     1      bind(c, name='dlsym')
          import :: c_ptr, c_funptr, c_char
          type(c_ptr), value :: library
          character(kind=c_char) :: symbol(*)
        end function
      end interface
      procedure(report_call), pointer :: report
      procedure(leave_call), pointer :: leave
      type(c_funptr) :: found
      integer(c_int) :: i(1)
      real(c_double) :: r(1)
      i = 0
      r = 0
      write(error_unit, '(2a)') 'pybridge: error: ', text
      flush(error_unit)
      found = find_c(c_null_ptr, 'xplb_abqerr_' // c_null_char)
      if (.not. c_associated(found))
     1  found = find_c(c_null_ptr, 'stdb_abqerr_' // c_null_char)
      if (c_associated(found)) then
        call c_f_procpointer(found, report)
        call report(-3_c_int, text, i, r, '        ',
     1    int(min(len(text), 500), c_size_t), 8_c_size_t)
      end if
      found = find_c(c_null_ptr, 'xplb_exit_' // c_null_char)
      if (.not. c_associated(found))
     1  found = find_c(c_null_ptr, 'xit_' // c_null_char)
      if (c_associated(found)) then
        call c_f_procpointer(found, leave)
        call leave()
      end if
      end subroutine pybridge_stop
